package accuracy

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLearn(t *testing.T) {
	card := smallCard()
	var closed []Closed
	add := func(n int, malicious bool, rhythm, hosts float64) {
		for range n {
			closed = append(closed, Closed{Malicious: malicious, Values: map[string]float64{"rhythm": rhythm, "hosts": hosts, "base": -1}})
		}
	}
	add(4, true, 5, 1)
	add(15, false, 5, 9)
	if got := card.Learn(closed); got.Text() != card.Text() {
		t.Error("nineteen findings change something")
	}
	add(1, false, 3, 1)
	got := card.Learn(closed)
	// 4 malicious, 16 benign. Hosts under 4: ln(5/2) - ln(6/18) is 2.0, of which one nat counts; others: ln(1/16) - ln(6/18)
	// is -1.7. Rhythm of 4 and more: ln(5/16) - ln(6/18) is -0.06; from 2 to 4: ln(1/2) - ln(6/18) is 0.4.
	want := smallCard()
	want.Base = -2
	want.Parts[1].Bins[0].Nats, want.Parts[1].Bins[1].Nats = 1, -1
	want.Parts[0].Bins[1].Nats, want.Parts[0].Bins[2].Nats = 0.4, -0.1
	if got.Text() != want.Text() {
		t.Errorf("got\n%s\nwant\n%s", got.Text(), want.Text())
	}
	if card.Text() != smallCard().Text() {
		t.Error("the card itself has changed")
	}
}

func TestLearnNeverMovesFar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := smallCard()
		var closed []Closed
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			closed = append(closed, Closed{Malicious: rapid.Bool().Draw(t, "malicious"), Values: map[string]float64{
				"rhythm": rapid.Float64Range(-1, 20).Draw(t, "rhythm"), "hosts": rapid.Float64Range(0, 20).Draw(t, "hosts"),
			}})
		}
		got := card.Learn(closed)
		for p := range card.Parts {
			for i := range card.Parts[p].Bins {
				if d := got.Parts[p].Bins[i].Nats - card.Parts[p].Bins[i].Nats; math.Abs(d) > 1.0001 || math.IsNaN(d) {
					t.Fatalf("part %d, bin %d moves by %v", p, i, d)
				}
			}
		}
	})
}

func TestReadClosed(t *testing.T) {
	good := `{"_method":"rhythm","Score":1.2,"Verdict":"benign","Reasons":[{"Name":"base","Value":-8.4},{"Name":"hosts","Value":3},{"Name":"sent-size","Value":null}]}`
	got, err := ReadClosed(strings.NewReader(good + "\n\n" + strings.Replace(good, "benign", "malicious", 1)))
	if err != nil || len(got) != 2 || got[0].Malicious || !got[1].Malicious || got[0].Values["hosts"] != 3 || len(got[0].Values) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		`{"Reasons":[{"Name":"hosts","Value":3}]}`: `line 1: Verdict is ""`,
		`{"Verdict":"benign"}`:                     "line 1: the finding has no Reasons",
		"\nnonsense":                               "line 2: ",
	} {
		if _, err := ReadClosed(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
