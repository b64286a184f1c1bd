package beat

import (
	"context"
	"testing"
	"reflect"
	"math/rand/v2"

	"drumbeat/internal/beat/beatref"
)

func TestZZ(t *testing.T) {
	var events []beatref.Event
	for src := range 600 {
		n := 3+src%7
		for k := range n {
			e := beatref.Event{Ticks: 738_954*beatref.Day + int64(k)*60*beatref.Second, Vendor: "Palo Alto Networks", Activity: "TRAFFIC", SrcIP: "10.0." + itoa(src/250) + "." + itoa(src%250), DstIP: "8.8.8.8", DstPort: 443, PortKnown: true}
			events = append(events, e)
		}
	}
	p := beatref.Default()
	p.MinEvents, p.MinModal, p.ByChannel = 1, 1, true
	s := NewSorter(SorterOptions{Memory: 1<<30})
	feed(t, rand.New(rand.NewPCG(1,1)), s, events)
	got, err := Run(context.Background(), s, 2, []Delta{asRule(p)})
	if err != nil { t.Fatal(err) }
	want := beatref.Run(events, p)
	if rows := asReference(got.Rows[0]); !reflect.DeepEqual(rows, want) { t.Fatalf("got %s\nwant %s", show(rows), show(want)) }
}
func itoa(i int) string { s := ""; if i == 0 { return "0" }; for ; i > 0; i /= 10 { s = string(rune('0'+i%10)) + s }; return s }
