package accuracy

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

const zeekLog = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tdetailedlabel\n" +
	"1000.75\tC1\t10.0.0.5\t50001\t203.0.113.7\t443\ttcp\tssl\t2.5\t700\t900\tSF\tT\tMicrosoft\n" +
	"90.5\tC2\t192.0.2.9\t50002\t203.0.113.8\t1177\ttcp\t-\t-\t-\t-\tS0\tT\tCC\n" +
	"95\tC3\t10.0.0.5\t50003\t224.0.0.251\t5353\tudp\tdns\t-\t40\t0\tS0\tT\t-\n" +
	"40000\tC4\t10.0.0.5\t50004\t203.0.113.7\t443\ttcp\tssl\t1\t700\t900\tSF\tT\tMicrosoft\n"

func zeekFile(t *testing.T, text string, zipped bool) string {
	t.Helper()
	data := []byte(text)
	if zipped {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	path := filepath.Join(t.TempDir(), "conn.log")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadZeek(t *testing.T) {
	for _, zipped := range []bool{false, true} {
		w, err := ReadZeek(zeekFile(t, zeekLog, zipped), 7)
		if err != nil {
			t.Fatal(err)
		}
		planted, real := 0, 0
		for _, c := range w.Channels {
			switch {
			case c.Truth.Kind == "real":
				real++
				if len(c.Sessions) != 2 || c.Sessions[0].Sent != 700 || c.Sessions[0].Duration != 2500 || c.Sessions[0].Failed {
					t.Errorf("the real channel holds %+v", c.Sessions)
				}
				if at := traffic.Time(w.ticks(c.Sessions[0].Start)); at.UnixMilli() != 1_000_750 {
					t.Errorf("its first session begins at %v", at)
				}
			case c.Truth.Group == labelledGroup:
				if c.Truth.Class != synth.Malicious || !c.Sessions[0].Failed || c.Port != 1177 {
					t.Errorf("the labelled channel is %+v", c)
				}
			default:
				planted++
				if c.Source.String() != "192.0.2.9" {
					t.Errorf("a beacon on %v: want the local machine with a public address", c.Source)
				}
				for _, s := range c.Sessions {
					if s.Start > w.Last+10_000 {
						t.Fatalf("a planted session starts at %d, after the log's end", s.Start)
					}
				}
			}
		}
		if real != 1 || planted < 90 {
			t.Errorf("%d real channels (multicast is left out), %d planted", real, planted)
		}
	}
}

func TestReadZeekSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"": "there is no session",
		strings.Replace(zeekLog, "90.5\tC2", "soon\tC2", 1):   `line 5: ts is "soon"`,
		strings.Replace(zeekLog, "90.5\tC2", "-7\tC2", 1):     `line 5: ts is "-7"`,
		strings.Replace(zeekLog, "\t1177\t", "\t-\t", 1):      "line 5: ",
		strings.Replace(zeekLog, "192.0.2.9", "a machine", 1): "line 5: ",
	} {
		if _, err := ReadZeek(zeekFile(t, text, false), 7); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func FuzzZeekLine(f *testing.F) {
	f.Add(zeekLog)
	f.Add("#fields\tts\n1")
	f.Fuzz(func(t *testing.T, text string) {
		r := zeekReader{channels: make(map[string]*Channel), first: 1e300}
		if r.read(strings.NewReader(text)) != nil {
			return
		}
		w := r.world()
		for _, c := range w.Channels {
			for i := 1; i < len(c.Sessions); i++ {
				if c.Sessions[i].Start < c.Sessions[i-1].Start {
					t.Errorf("%q: sessions out of order", text)
				}
			}
		}
	})
}

// TestRealCaptures: in the captures at hand rhythm puts most planted beacons before nearly all real channels.
func TestRealCaptures(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/captures/*.log.gz")
	if err != nil || len(files) == 0 || testing.Short() {
		t.Log("the captures, or the time for them, are not at hand")
		return
	}
	var sources []Source
	for _, f := range files {
		sources = append(sources, RealSource(f))
	}
	report, err := Run(t.Context(), sources, Options{Methods: Methods(nil)[:1]})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Runs {
		r := &report.Runs[i]
		t.Logf("%s: %d real channels, %d beacons: %.2f stand before all but 0, 5, 10; reported %.2f, and %.3f of the real", r.World, r.Others, r.Implants, r.Past, r.Shipped.Recall, r.Shipped.FalseShare)
		if r.Past[2] < 0.9 {
			t.Errorf("%s: %.2f of the beacons stand before all but ten real channels", r.World, r.Past[2])
		}
		if r.Labelled != nil && *r.Labelled > 3 {
			t.Errorf("%s: %d real channels stand before the labelled beacon", r.World, *r.Labelled)
		}
	}
}
