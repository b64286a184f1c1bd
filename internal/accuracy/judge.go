package accuracy

import (
	"cmp"
	"math"
	"slices"

	"drumbeat/internal/synth"
)

// Shares of the other channels that a line lets through.
const (
	share3 = 1e-3
	share4 = 1e-4
)

// Figures is what Judge says of a method in one world. Names in JSON are those of world two's score.py, which gives the
// same figures; where channels tie, precision here is the mean over all their orders.
type Figures struct {
	Implants int `json:"implants"`
	Others   int `json:"other_channels"`
	Listed   int `json:"listed"`
	// Recall3 is the share of implants whose best channel scores above the line that lets 1e-3 of the other channels
	// through, Recall4 the same at 1e-4. Ties3 and Ties4 share ties at the line at random.
	Recall3 float64 `json:"recall_1e3"`
	Recall4 float64 `json:"recall_1e4"`
	Ties3   float64 `json:"recall_1e3_ties"`
	Ties4   float64 `json:"recall_1e4_ties"`
	// Channels3 is Recall3 counted by channel.
	Channels3 float64 `json:"chan_recall_1e3"`
	// Line3 and Line4 are the scores of the lines, -Inf where fewer channels are listed.
	Line3 float64 `json:"-"`
	Line4 float64 `json:"-"`
	// Precision, Periodic and Planted are for the first 20, 50 and 100 of the list: the share that is malicious; that is
	// periodic at all; and that is malicious once harmless periodic channels are left out.
	Precision [3]float64 `json:"precision_20_50_100"`
	Periodic  [3]float64 `json:"periodic_20_50_100"`
	Planted   [3]float64 `json:"precision_nobenign_20_50_100"`
	// AveragePrecision is over the list without the harmless periodic channels.
	AveragePrecision float64 `json:"avg_precision_nobenign"`
	MeanRank         float64 `json:"mean_rank"`
	MedianRank       float64 `json:"median_rank"`
	// Past is the share of implants that at most 0, 5 and 10 other channels stand above.
	Past [3]float64 `json:"recall_past_0_5_10"`
	// Labelled is how many other channels stand above the channel that a capture's own labels call a beacon: nil where there
	// is none, -1 where it is not listed.
	Labelled *int `json:"above_labelled,omitempty"`
	// Harmless3 is the share of harmless periodic channels above the line at 1e-3.
	Harmless3 float64 `json:"benign_periodic_above_1e3"`
	Errors    Errors  `json:"errors"`
	Shipped   Shipped `json:"shipped"`
	// Breakdown is recall by what the beacons are like.
	Breakdown []Breakdown `json:"breakdown,omitempty"`
	// Above is the number of other channels above the line at 1e-3, by their kind.
	Above map[string]int `json:"others_above_1e3,omitempty"`
}

// Errors is how far the method's estimates are from the truth, over the implants that it lists.
type Errors struct {
	// PeriodMedian is the median error of the period, as a share of the nearest that counts as right. Within10 and
	// Within25 are the shares of implants with an error of at most 10 and 25 %, Harmonic of those that give a multiple or
	// a part. PeriodMissing counts implants without an estimate.
	PeriodMedian  float64 `json:"period_err_median"`
	Within10      float64 `json:"period_within10"`
	Within25      float64 `json:"period_within25"`
	Harmonic      float64 `json:"period_harmonic"`
	PeriodMissing int     `json:"period_missing"`
	// JitterMedian is the median of the error of the jitter, over the JitterGiven implants with an estimate.
	JitterMedian float64 `json:"jitter_abs_err_median"`
	JitterGiven  int     `json:"jitter_given"`
	// Found10 is Within10 over the implants that are found at 1e-3.
	Found10 float64 `json:"period_within10_found"`
}

// Shipped is what the method does at the threshold that it is shipped with.
type Shipped struct {
	// Recall is the share of implants that it reports, FalseShare the share of other channels, Harmless of harmless
	// periodic ones; Alarms is the number of channels.
	Recall     float64 `json:"recall"`
	FalseShare float64 `json:"false_share"`
	Harmless   float64 `json:"harmless"`
	Alarms     int     `json:"alarms"`
}

// Breakdown is recall by one property.
type Breakdown struct {
	Property string `json:"property"`
	Rows     []Cell `json:"rows"`
}

// Cell is recall among the implants of one kind.
type Cell struct {
	Name    string  `json:"name"`
	N       int     `json:"n"`
	Recall3 float64 `json:"recall_1e3"`
	Recall4 float64 `json:"recall_1e4"`
}

// heads are the lengths of the heads of a list that precision is given for.
func heads() [3]int { return [3]int{20, 50, 100} }

// Judge says how good a method's list is. What is not listed counts as below all that is.
func Judge(w *World, list []Scored) *Figures {
	j := newJudge(w, list, nil)
	return j.figures()
}

// judge is a list held against the truth.
type judge struct {
	w      *World
	rank   []Scored // the highest score first
	score  []float64
	by     []*Scored // of each channel, or nil
	exact  bool      // ties stand in the order that was asked for
	groups []group
	line   map[float64]float64
}

// group is one implant.
type group struct {
	name     string
	channels []int
	best     int     // channel with the highest score
	score    float64 // its score, -Inf if not listed
}

// newJudge orders the list. Ties stand in the order of order, which is drawn for each channel in the order of the list;
// without it in one that depends on nothing but the channel.
func newJudge(w *World, list []Scored, order func() float64) *judge {
	j := &judge{w: w, exact: order != nil, score: make([]float64, len(w.Channels)), by: make([]*Scored, len(w.Channels))}
	for i := range j.score {
		j.score[i] = math.Inf(-1)
	}
	ties := make([]float64, len(w.Channels))
	for i := range list {
		s := &list[i]
		if math.IsNaN(s.Score) || math.IsInf(s.Score, -1) {
			continue
		}
		j.rank = append(j.rank, *s)
		if order != nil {
			ties[s.Channel] = order()
		} else {
			ties[s.Channel] = shuffled(s.Channel)
		}
	}
	slices.SortFunc(j.rank, func(a, b Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(ties[a.Channel], ties[b.Channel]), cmp.Compare(a.Channel, b.Channel))
	})
	for i := range j.rank {
		s := &j.rank[i]
		j.score[s.Channel], j.by[s.Channel] = s.Score, s
	}
	j.group()
	others := j.scores(synth.Other)
	j.line = map[float64]float64{share3: j.lineAt(others, share3), share4: j.lineAt(others, share4)}
	return j
}

// shuffled is a place among ties that has nothing to do with addresses.
func shuffled(channel int) float64 {
	x := uint64(channel) * 0x9e3779b97f4a7c15
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	return float64((x ^ x>>32) >> 11)
}

func (j *judge) class(channel int) synth.Class { return j.w.Channels[channel].Truth.Class }

// group gathers the implants that can be judged.
func (j *judge) group() {
	byName := make(map[string]*group)
	var names []string
	for i := range j.w.Channels {
		if t := &j.w.Channels[i].Truth; t.Class == synth.Malicious {
			if byName[t.Group] == nil {
				byName[t.Group] = &group{name: t.Group}
				names = append(names, t.Group)
			}
			byName[t.Group].channels = append(byName[t.Group].channels, i)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		g := byName[name]
		if !slices.ContainsFunc(g.channels, func(c int) bool { return j.w.Channels[c].Truth.evaluable() }) {
			continue
		}
		slices.SortFunc(g.channels, func(a, b int) int {
			return cmp.Compare(j.w.Channels[a].Truth.order, j.w.Channels[b].Truth.order)
		})
		g.best = g.channels[0]
		for _, c := range g.channels[1:] {
			if j.score[c] > j.score[g.best] {
				g.best = c
			}
		}
		g.score = j.score[g.best]
		j.groups = append(j.groups, *g)
	}
}

// scores gives the scores of the listed channels of a class, the highest first.
func (j *judge) scores(class synth.Class) (out []float64) {
	for i := range j.rank {
		if j.class(j.rank[i].Channel) == class {
			out = append(out, j.rank[i].Score)
		}
	}
	return out
}

// lineAt gives the score that a channel must exceed so that at most this share of the others does.
func (j *judge) lineAt(others []float64, share float64) float64 {
	if a := int(share * float64(j.w.Others)); a < len(others) {
		return others[a]
	}
	return math.Inf(-1)
}

func (j *judge) figures() *Figures {
	f := &Figures{
		Implants: len(j.groups), Others: j.w.Others, Listed: len(j.rank), Line3: j.line[share3], Line4: j.line[share4],
		Recall3: j.recall(j.groups, share3), Recall4: j.recall(j.groups, share4),
		Ties3: j.ties(share3), Ties4: j.ties(share4), Errors: j.errors(), Shipped: j.shipped(), Above: j.above(),
	}
	all := func(int) bool { return true }
	malicious := func(c int) bool { return j.class(c) == synth.Malicious }
	for i, k := range heads() {
		f.Precision[i] = j.precision(k, all, malicious)
		f.Periodic[i] = j.precision(k, all, func(c int) bool { return j.class(c) != synth.Other })
		f.Planted[i] = j.precision(k, func(c int) bool { return j.class(c) != synth.Harmless }, malicious)
	}
	f.Channels3 = j.aboveLine(synth.Malicious)
	f.Harmless3 = j.aboveLine(synth.Harmless)
	f.AveragePrecision = j.averagePrecision()
	f.MeanRank, f.MedianRank = j.ranks()
	f.Breakdown = j.breakdowns()
	f.Past, f.Labelled = j.past()
	return f
}

// recall is the share of implants above a line.
func (j *judge) recall(groups []group, share float64) float64 {
	n := 0
	for _, g := range groups {
		if g.score > j.line[share] {
			n++
		}
	}
	return ratio(n, len(groups))
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// ties is recall where channels at the line are let through at random until the share is used up.
func (j *judge) ties(share float64) float64 {
	line, above, equal := j.line[share], 0, 0
	for _, s := range j.scores(synth.Other) {
		switch {
		case s > line:
			above++
		case s == line:
			equal++
		}
	}
	through := 0.0
	if equal > 0 && !math.IsInf(line, -1) {
		through = max(0, float64(int(share*float64(j.w.Others))-above)/float64(equal))
	}
	sum := 0.0
	for _, g := range j.groups {
		switch {
		case g.score > line:
			sum++
		case g.score == line && !math.IsInf(line, -1):
			sum += through
		}
	}
	return sum / float64(max(1, len(j.groups)))
}

// aboveLine is the share of the evaluable channels of a class that are above the line at 1e-3.
func (j *judge) aboveLine(class synth.Class) float64 {
	n, above := 0, 0
	for i := range j.w.Channels {
		if t := &j.w.Channels[i].Truth; t.Class == class && t.evaluable() {
			n++
			if j.score[i] > j.line[share3] {
				above++
			}
		}
	}
	return ratio(above, n)
}

// precision is the share of hits among the first k of the list of those that count.
func (j *judge) precision(k int, counts, hit func(channel int) bool) float64 {
	taken, hits := 0, 0.0
	for from := 0; from < len(j.rank) && taken < k; {
		to := from + 1
		for !j.exact && to < len(j.rank) && j.rank[to].Score == j.rank[from].Score {
			to++
		}
		n, good := 0, 0
		for _, s := range j.rank[from:to] {
			if counts(s.Channel) {
				n++
				if hit(s.Channel) {
					good++
				}
			}
		}
		if n > 0 {
			use := min(n, k-taken)
			hits += float64(good) * float64(use) / float64(n)
			taken += use
		}
		from = to
	}
	return hits / float64(k)
}

func (j *judge) averagePrecision() float64 {
	place, hits, sum := 0, 0, 0.0
	for i := range j.rank {
		switch j.class(j.rank[i].Channel) {
		case synth.Harmless:
			continue
		case synth.Malicious:
			hits++
			sum += float64(hits) / float64(place+1)
		case synth.Other:
		}
		place++
	}
	evaluable := 0
	for i := range j.w.Channels {
		if t := &j.w.Channels[i].Truth; t.Class == synth.Malicious && t.evaluable() {
			evaluable++
		}
	}
	return sum / float64(max(1, evaluable))
}

// ranks gives the mean and the median place of the implants, the last of all for those that are not listed.
func (j *judge) ranks() (mean, mid float64) {
	if len(j.groups) == 0 {
		return 0, 0
	}
	place := make(map[int]int, len(j.rank))
	for i := range j.rank {
		place[j.rank[i].Channel] = i + 1
	}
	out := make([]float64, len(j.groups))
	for i, g := range j.groups {
		best := max(j.w.Others, len(j.rank)+1)
		for _, c := range g.channels {
			if p, ok := place[c]; ok {
				best = min(best, p)
			}
		}
		out[i] = float64(best)
	}
	slices.Sort(out)
	mean, _ = moments(out)
	return mean, median(out)
}

// past says how many other channels stand above the implants.
func (j *judge) past() (shares [3]float64, labelled *int) {
	others := j.scores(synth.Other)
	var found [3]int
	for _, g := range j.groups {
		above := 0
		for above < len(others) && others[above] >= g.score {
			above++
		}
		if math.IsInf(g.score, -1) {
			above = -1 // not listed
		}
		if g.name == labelledGroup {
			labelled = &above
		}
		for i, most := range [...]int{0, 5, 10} {
			if above >= 0 && above <= most {
				found[i]++
			}
		}
	}
	for i, n := range found {
		shares[i] = ratio(n, len(j.groups))
	}
	return shares, labelled
}

// above counts the other channels above the line at 1e-3, by kind.
func (j *judge) above() map[string]int {
	out := make(map[string]int)
	for i := range j.rank {
		s := &j.rank[i]
		if t := &j.w.Channels[s.Channel].Truth; t.Class == synth.Other && s.Score > j.line[share3] {
			kind := t.Kind
			if kind == "" {
				kind = "short"
			}
			out[kind]++
		}
	}
	return out
}

func (j *judge) shipped() (s Shipped) {
	alarm := func(c int) bool { return j.by[c] != nil && j.by[c].Alarm }
	others, harmless, allHarmless := 0, 0, 0
	for i := range j.w.Channels {
		t := &j.w.Channels[i].Truth
		if t.Class == synth.Harmless && t.evaluable() {
			allHarmless++
		}
		if !alarm(i) {
			continue
		}
		s.Alarms++
		switch {
		case t.Class == synth.Other:
			others++
		case t.Class == synth.Harmless && t.evaluable():
			harmless++
		}
	}
	found := 0
	for _, g := range j.groups {
		if slices.ContainsFunc(g.channels, alarm) {
			found++
		}
	}
	s.Recall, s.FalseShare, s.Harmless = ratio(found, len(j.groups)), ratio(others, j.w.Others), ratio(harmless, allHarmless)
	return s
}
