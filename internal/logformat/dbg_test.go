package logformat

import (
	"bytes"
	"drumbeat/internal/traffic"
	"fmt"
	"os"
	"testing"
)

func TestDbg(t *testing.T) {
	data, _ := os.ReadFile("/tmp/w/h100.log")
	p := NewParser(Options{})
	var b traffic.Builder
	p.Start(nil, b.Reset(traffic.Origin{}))
	n, slow := 0, 0
	shown := 0
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		line := trimLine(data[:i])
		data = data[i+1:]
		n++
		if !p.cefFast(&b, line, 0) {
			slow++
			p.slow(&b, line, 0)
			if n > 5000 && shown < 6 {
				shown++
				start := cefStart(line)
				hl := cefHeaderLen(line[start:])
				s := p.shape(line[start : start+hl])
				fmt.Println("LINE", string(line[start:min(len(line), 400)]))
				fmt.Println("templates", len(s.templates), "misses", s.misses, "regular", regular(p.pairs, line[start+hl:]))
				for _, tt := range s.templates {
					fmt.Println("  same", tt.sameKeys(p.pairs, line[start+hl:]), len(tt.segs), tt.keys[:5])
				}
			}
		}
	}
	fmt.Println(n, slow, len(p.headers))
}
