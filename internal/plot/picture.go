package plot

import "strings"

// Picture is one drawing with its text alternatives.
type Picture interface {
	// Name is what the picture is called, in a word or two.
	Name() string
	// Alt says in a sentence or two what is to be seen.
	Alt() string
	// Table holds the numbers that are drawn.
	Table() Table
	// AppendSVG appends the picture as an <svg> element that is as wide as asked, in CSS pixels; a width too small
	// to draw in is raised. Text is not scaled, so a page that needs two widths draws twice.
	AppendSVG(dst []byte, width int) []byte
}

// Table is the numbers behind a picture.
type Table struct {
	Columns []Column
	Rows    [][]string // one text for each column
}

// Column is a column of a Table.
type Column struct {
	Name   string
	Number bool // stands on the right
}

// Standalone gives an SVG of this package as a file of its own: with its name space and with the style sheet inside.
func Standalone(svg []byte) string {
	s := strings.Replace(string(svg), "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" `, 1)
	return strings.Replace(s, ">", "><style>"+Tokens+Styles+"svg.plot{background:var(--panel)}</style>", 1)
}

// Tokens are the colours and fonts of the pictures as CSS custom properties, for light, dark and print.
const Tokens = `:root{color-scheme:light dark;` + light + `}
@media screen and (prefers-color-scheme:dark){:root{` + dark + `}}
@media print{:root{color-scheme:light}}
@media (forced-colors:active){:root{--beat:CanvasText;--for:CanvasText;--against:GrayText;--bad:CanvasText;--grid:GrayText;--line2:CanvasText;--ink:CanvasText;--ink2:CanvasText;--panel:Canvas}}
`

const light = `--bg:#f4f5f7;--panel:#fff;--raise:#fafbfc;--ink:#15191e;--ink2:#48525d;--ink3:#5b6570;` +
	`--line:#d8dde3;--line2:#8a949f;--link:#0b57a4;--focus:#0b57a4;--sel:#e7f0fa;` +
	`--beat:#1f6fb2;--for:#b4470b;--against:#2b66a8;--bad:#b3261e;--ok:#1b6e3c;--warn:#805600;` +
	`--band:#f3d9a4;--bandline:#a86b00;--grid:#e6e9ed;--mute:#9aa4ae;--k1:#7a2e8e;` +
	`--bad-bg:#fbe9e7;--warn-bg:#fdf1d6;--info-bg:#e7f0fa;` +
	`--sans:"Segoe UI",-apple-system,BlinkMacSystemFont,Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;` +
	`--mono:ui-monospace,"Cascadia Mono","SF Mono","DejaVu Sans Mono","Liberation Mono",monospace`

const dark = `--bg:#0f1318;--panel:#171c22;--raise:#1c222a;--ink:#e7ebef;--ink2:#b4bec8;--ink3:#98a3ae;` +
	`--line:#2b333c;--line2:#66717d;--link:#7db7f2;--focus:#8cc2ff;--sel:#1b2d40;` +
	`--beat:#5aa9e6;--for:#f0965a;--against:#7db0ec;--bad:#ff8a80;--ok:#6fcf97;--warn:#f0c05a;` +
	`--band:#4a3a16;--bandline:#e0a93c;--grid:#252c34;--mute:#66717d;--k1:#d7a6e6;` +
	`--bad-bg:#3a1d1c;--warn-bg:#342a10;--info-bg:#152a3f`

// Styles are the classes of the pictures. They use the custom properties of [Tokens].
const Styles = `svg.plot{max-width:100%;display:block}
svg.plot text{font:11px var(--sans);fill:var(--ink2);font-variant-numeric:tabular-nums;paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}
svg.plot .t1{fill:var(--ink)}svg.plot .tb{font-weight:650;fill:var(--ink)}.plot .e{text-anchor:end}.plot .m{text-anchor:middle}
.plot .axis{stroke:var(--line2);fill:none}.plot .grid{stroke:var(--grid);fill:none}
.plot .beat{stroke:var(--beat);fill:none}.plot .dot{stroke:var(--beat);fill:none;stroke-linecap:round}.plot .fail{stroke:var(--bad);fill:none}.plot .fbeat{fill:var(--beat)}.plot .fmute{fill:var(--mute)}.plot .fbad{fill:var(--bad)}
.plot .miss{fill:none;stroke:var(--line2);vector-effect:non-scaling-stroke}.plot .day{fill:var(--raise)}.plot .off{fill:var(--grid)}.plot .void{fill:none;stroke:var(--line2);stroke-dasharray:1 3;vector-effect:non-scaling-stroke}
.plot .band{fill:var(--band);opacity:.75}.plot .bandl{stroke:var(--bandline);fill:none}
.plot .pfor{fill:var(--for)}.plot .pag{fill:var(--against)}.plot .tot{fill:var(--ink2)}
svg.plot .pos{fill:var(--for)}svg.plot .neg{fill:var(--against)}
.plot .spark{stroke:var(--beat);fill:none;stroke-width:1.25}.plot .thr{stroke:var(--bad);stroke-dasharray:4 3;fill:none}.plot .out{stroke:var(--for);fill:none;stroke-width:1.5}.plot .recv{stroke:var(--k1);fill:none;stroke-linecap:round}
`
