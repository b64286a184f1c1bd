package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page's template and style sheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net"
	"strconv"
	"strings"

	"drumbeat/internal/plot"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageCSS string

// page is what the template gets.
type page struct {
	CSS                   template.CSS
	Policy                string
	Made, Version         string
	Title, Command        string
	Messages              []message
	Facts                 []Fact
	Files                 []fileView
	FilesMore             string
	Decisions             []Fact
	Rejects               []rejectView
	Line                  string
	Channels              []*channelView
	ChannelsMore          string
	Below                 []*channelView
	BelowTitle, BelowMore string
	Groups                []groupView
	Delta                 []deltaView
	Tables                []tableView
	Hidden                []hiddenView
	HiddenTitle           string
}

// message is a line that stands above all: Kind is "bad" or "warn", Mark a sign for those who do not see colours.
type message struct{ Kind, Mark, Text string }

type fileView struct{ Path, Format, Bytes, Lines string }

type rejectView struct {
	Reason, N string
	Samples   []LogLine
}

type groupView struct {
	Title, Note string
	Channels    []*channelView
	More        string
}

type deltaView struct {
	Title, Note, More string
	Rows              []deltaRowView
}

type deltaRowView struct {
	Hour, Source, Destination, Who, Gap, Equal, Percent, Sent, Received, RunAt string
	Link                                                                       string
}

type tableView struct {
	Title, Note, More string
	Table             plot.Table
}

type hiddenView struct{ Entry, Reason, Owner, Expires, Channels string }

// Write writes the page.
func Write(w io.Writer, r *Report) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("report: reading the template: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := t.Execute(out, newPage(r)); err != nil {
		return fmt.Errorf("report: writing the page: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("report: writing the page: %w", err)
	}
	return nil
}

func newPage(r *Report) *page {
	css := plot.Tokens + plot.Styles + pageCSS
	sum := sha256.Sum256([]byte(css))
	d := &drawer{r: r}
	p := &page{
		CSS: template.CSS(css), //nolint:gosec // constant
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'",
		Made: stamp(r.Made), Version: cleanName(r.Version), Command: clean(r.Command, maxLineText),
		Line: signedPlain(r.Line),
	}
	p.Title = title(r)
	p.input(r)
	p.channels(d, r)
	p.groups(d, r)
	p.delta(r)
	p.tables(r)
	p.hidden(r)
	return p
}

func title(r *Report) string {
	files := plot.Counted(int64(len(r.Input.Files)), "file")
	if n := len(r.Channels); n > 0 {
		return plot.Counted(int64(n), "machine rhythm") + " worth a look in " + files
	}
	return "No machine rhythm worth a look in " + files
}

// input fills in what was read.
func (p *page) input(r *Report) {
	in := &r.Input
	if in.Partial != "" {
		p.Messages = append(p.Messages, message{"bad", "!", "The result is partial: " + clean(in.Partial, maxLineText)})
	}
	for _, s := range in.Problems {
		p.Messages = append(p.Messages, message{"bad", "!", clean(s, maxLineText)})
	}
	for _, s := range in.Warnings {
		p.Messages = append(p.Messages, message{"warn", "■", clean(s, maxLineText)})
	}
	p.addFact("Logs", joined(", ", plot.Counted(int64(len(in.Files)), "file"), plot.Bytes(in.Bytes)))
	if !r.From.IsZero() {
		p.addFact("Time", stamp(r.From)+" to "+stamp(r.To)+" UTC, "+plot.Length(r.To.Sub(r.From)))
	}
	p.addFact("Lines", linesText(in))
	p.addFact("Seen", seenCounts(in))
	p.addFact("Found", foundText(r))
	p.addFact("Command", p.Command)
	for _, f := range in.Files[:min(len(in.Files), maxFiles)] {
		p.Files = append(p.Files, fileView{cleanName(f.Path), cleanName(f.Format), plot.Bytes(f.Bytes), plot.Count(f.Lines)})
	}
	p.FilesMore = more(len(in.Files), maxFiles, "file")
	for _, f := range in.Decisions {
		p.Decisions = append(p.Decisions, Fact{cleanName(f.Name), clean(f.Text, maxLineText)})
	}
	for _, x := range in.Rejected {
		v := rejectView{Reason: cleanName(x.Reason), N: plot.Count(x.N)}
		for _, l := range x.Samples[:min(len(x.Samples), maxLines)] {
			v.Samples = append(v.Samples, cleanLine(l))
		}
		p.Rejects = append(p.Rejects, v)
	}
}

func (p *page) addFact(name, text string) {
	if text != "" {
		p.Facts = append(p.Facts, Fact{name, text})
	}
}

// linesText says the sum that every line is part of.
func linesText(in *Input) string {
	var others, rejected int64
	var names []string
	for _, c := range in.Others {
		others += c.N
		names = append(names, cleanName(c.Name)+" "+plot.Count(c.N))
	}
	for _, x := range in.Rejected {
		rejected += x.N
	}
	text := fmt.Sprintf("%s read = %s + %s of other types", plot.Count(in.Lines), plot.Counted(in.Flows, "flow"), plot.Count(others))
	if len(names) > 0 {
		text += " (" + strings.Join(names, ", ") + ")"
	}
	text += fmt.Sprintf(" + %s rejected", plot.Count(rejected))
	if in.Note != "" {
		text += "; " + clean(in.Note, maxLineText)
	}
	return text
}

func seenCounts(in *Input) string {
	var parts []string
	if in.Sources > 0 {
		parts = append(parts, plot.Counted(in.Sources, "source"))
	}
	if in.Channels > 0 {
		parts = append(parts, plot.Counted(in.Channels, "channel"))
	}
	if in.Judged >= 0 && in.Channels > 0 {
		parts = append(parts, plot.Count(in.Judged)+" with enough sessions to be judged")
	}
	if in.Evicted > 0 {
		parts = append(parts, plot.Count(in.Evicted)+" given up since memory was short")
	}
	return strings.Join(parts, ", ")
}

func foundText(r *Report) string {
	text := fmt.Sprintf("%s with a score of %s or above", plot.Counted(int64(len(r.Channels)), "channel"), signedPlain(r.Line))
	if n := max(r.BelowTotal, int64(len(r.Below))); n > 0 {
		text += fmt.Sprintf(", %s with a rhythm and a lower score", plot.Count(n))
	}
	parts := []string{text}
	for _, g := range r.Others {
		if len(g.Channels) > 0 {
			parts = append(parts, lowerFirst(cleanName(g.Title))+": "+plot.Count(int64(len(g.Channels))))
		}
	}
	for _, d := range r.Delta {
		parts = append(parts, cleanName(d.Method)+": "+plot.Counted(int64(len(d.Rows)), "row"))
	}
	return strings.Join(parts, "; ")
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// more says how many are not shown.
func more(total, shown int, what string) string {
	if total <= shown {
		return ""
	}
	return plot.Counted(int64(total-shown), "more "+what) + ", not shown here"
}

// channels fills in the ranked channels and those below the line.
func (p *page) channels(d *drawer, r *Report) {
	for i := range r.Channels[:min(len(r.Channels), maxListed)] {
		v := d.view(&r.Channels[i], "c"+strconv.Itoa(i+1), i, i < maxPictures)
		v.Open, v.Printed = i < maxOpen, i < maxPrinted
		p.Channels = append(p.Channels, v)
	}
	p.ChannelsMore = more(len(r.Channels), maxListed, "channel")
	for i := range r.Below[:min(len(r.Below), maxRows)] {
		p.Below = append(p.Below, d.view(&r.Below[i], "", len(r.Channels)+i, false))
	}
	total := max(r.BelowTotal, int64(len(r.Below)))
	p.BelowTitle = plot.Count(total) + " more with a rhythm but reasons against"
	p.BelowMore = more(int(total), len(p.Below), "channel")
}

func (p *page) groups(d *drawer, r *Report) {
	pictures := max(maxPictures-len(r.Channels), 20)
	for g, group := range r.Others {
		if len(group.Channels) == 0 {
			continue
		}
		v := groupView{Title: cleanName(group.Title), Note: clean(group.Note, maxLineText), More: more(len(group.Channels), maxRows, "channel")}
		for i := range group.Channels[:min(len(group.Channels), maxRows)] {
			id := fmt.Sprintf("g%d-%d", g+1, i+1)
			v.Channels = append(v.Channels, d.view(&group.Channels[i], id, i, i < pictures))
		}
		pictures = max(pictures-len(group.Channels), 0)
		p.Groups = append(p.Groups, v)
	}
}

// delta fills in the rows of the delta methods, each with a link to its channel where that is ranked.
func (p *page) delta(r *Report) {
	type key struct {
		source, destination string
		port                int32
	}
	ranked := make(map[key]string, len(p.Channels))
	for i := range p.Channels {
		c := &r.Channels[i]
		if k := (key{c.Source.Address, c.Destination.Address, c.Destination.Port}); ranked[k] == "" {
			ranked[k] = p.Channels[i].Rank
		}
	}
	for _, f := range r.Delta {
		v := deltaView{Title: cleanName(f.Method), Note: clean(f.Note, maxLineText), More: more(len(f.Rows), maxRows, "row")}
		if f.Rule != "" {
			v.Title += " (rule " + cleanName(f.Rule) + ")"
		}
		for _, x := range f.Rows[:min(len(f.Rows), maxRows)] {
			destination := cleanName(x.Destination)
			if x.Port >= 0 {
				destination = net.JoinHostPort(destination, strconv.Itoa(int(x.Port)))
			}
			v.Rows = append(v.Rows, deltaRowView{
				Hour: stamp(x.Hour), Source: cleanName(x.Source), Destination: destination,
				Who: joined(" · ", cleanName(x.User), cleanName(x.Device)), Gap: plot.Count(x.ModalGap) + " s",
				Equal:   plot.Count(x.ModalCount) + " of " + plot.Count(x.Events),
				Percent: strconv.FormatFloat(finite(x.Percent), 'f', 1, 64) + " %",
				Sent:    bytesOr(x.Sent), Received: bytesOr(x.Received), RunAt: stamp(x.RunAt),
				Link: ranked[key{x.Source, x.Destination, x.Port}],
			})
		}
		p.Delta = append(p.Delta, v)
	}
}

func bytesOr(n int64) string {
	if n < 0 {
		return "not known"
	}
	return plot.Bytes(n)
}

func (p *page) tables(r *Report) {
	for _, t := range r.Tables {
		v := tableView{Title: cleanName(t.Title), Note: clean(t.Note, maxLineText), More: more(len(t.Rows), maxRows, "row")}
		for _, c := range t.Columns {
			v.Table.Columns = append(v.Table.Columns, plot.Column{Name: cleanName(c.Name), Number: c.Number})
		}
		for _, row := range t.Rows[:min(len(t.Rows), maxRows)] {
			cells := make([]string, len(t.Columns))
			for i := range cells[:min(len(cells), len(row))] {
				cells[i] = cleanName(row[i])
			}
			v.Table.Rows = append(v.Table.Rows, cells)
		}
		p.Tables = append(p.Tables, v)
	}
}

func (p *page) hidden(r *Report) {
	var total, entries int64
	for _, h := range r.Hidden {
		v := hiddenView{cleanName(h.Entry), clean(h.Reason, maxLineText), cleanName(h.Owner), "never", plot.Count(h.Channels)}
		if !h.Expires.IsZero() {
			v.Expires = stamp(h.Expires)
		}
		p.Hidden = append(p.Hidden, v)
		total += h.Channels
		entries++
	}
	verb := " entries"
	if entries == 1 {
		verb = " entry"
	}
	p.HiddenTitle = plot.Counted(total, "channel") + " hidden by " + plot.Count(entries) + verb + " of the safelist"
}
