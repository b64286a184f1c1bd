package synth

import "slices"

// Records wait in slots for their turn: one slot for each part of the span,
// made of pages, so that a slot with few records is small. A record is copied
// into its slot, and out of it in order, and nothing else moves.

const (
	pageSize   = 128
	slotLength = minute // at most
)

type page [pageSize]record

// slots collects records that come in nearly any order and hands them out by
// the time of their writing.
type slots struct {
	from, to int64
	length   int64
	slots    []slot
	free     []*page
	next     int // the first slot that was not handed out

	bins  []uint32 // for sorting: records by the millisecond
	order []uint32
}

type slot struct {
	pages []*page
	n     int
}

func newSlots(from, to, quantum int64) *slots {
	s := &slots{from: from, to: to, length: min(slotLength, quantum)}
	s.slots = make([]slot, (to-from+s.length-1)/s.length)
	s.bins = make([]uint32, s.length+1)
	return s
}

// put stores a copy of r, which must not be written before the slots handed out.
func (s *slots) put(r *record) {
	i := int((r.seen - s.from) / s.length)
	if i < s.next {
		panic("BUG: a record comes after its slot was written")
	}
	sl := &s.slots[i]
	if sl.n == len(sl.pages)*pageSize {
		sl.pages = append(sl.pages, s.page())
	}
	sl.pages[sl.n/pageSize][sl.n%pageSize] = *r
	sl.n++
}

func (s *slots) page() *page {
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	return new(page)
}

func (sl *slot) at(i uint32) *record { return &sl.pages[i/pageSize][i%pageSize] }

// drain hands out, in order, all records of the slots that end at or before
// until, and gives up their memory.
func (s *slots) drain(until int64, emit func(*record) error) error {
	for s.next < len(s.slots) && min(s.from+int64(s.next+1)*s.length, s.to) <= until {
		sl := &s.slots[s.next]
		s.sort(sl, s.from+int64(s.next)*s.length)
		for _, i := range s.order[:sl.n] {
			if err := emit(sl.at(i)); err != nil {
				return err
			}
		}
		s.free = append(s.free, sl.pages...)
		*sl = slot{}
		s.next++
	}
	return nil
}

// sort fills order. Full slots are counted out by the millisecond first, which
// leaves a few records to compare at a time; small ones are not worth the bins.
func (s *slots) sort(sl *slot, begin int64) {
	if cap(s.order) < sl.n {
		s.order = make([]uint32, sl.n*3/2)
	}
	s.order = s.order[:sl.n]
	compare := func(a, b uint32) int { return sl.at(a).compare(sl.at(b)) }
	if sl.n < 4096 {
		for i := range s.order {
			s.order[i] = uint32(i)
		}
		slices.SortFunc(s.order, compare)
		return
	}
	clear(s.bins)
	for i := range uint32(sl.n) {
		s.bins[sl.at(i).seen-begin+1]++
	}
	for i := 1; i < len(s.bins); i++ {
		s.bins[i] += s.bins[i-1]
	}
	for i := range uint32(sl.n) {
		b := &s.bins[sl.at(i).seen-begin]
		s.order[*b] = i
		*b++
	}
	start := uint32(0) // bins[i] is now the end of the i-th millisecond
	for _, end := range s.bins[:s.length] {
		if end-start > 1 {
			slices.SortFunc(s.order[start:end], compare)
		}
		start = end
	}
}
