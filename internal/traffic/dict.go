package traffic

// Dict numbers texts: the same text has the same code. Code 0 is the empty text. The zero value is ready to use.
// It is not safe for use by several goroutines while texts are added.
type Dict struct {
	generation uint32
	codes      map[string]uint32
	texts      []string
	bytes      int
}

// Code gives the code of a text and adds it when it is new.
func (d *Dict) Code(text []byte) uint32 {
	if len(text) == 0 {
		return 0
	}
	if c, ok := d.codes[string(text)]; ok {
		return c
	}
	return d.add(string(text))
}

// CodeString is Code for a string.
func (d *Dict) CodeString(text string) uint32 {
	if text == "" {
		return 0
	}
	if c, ok := d.codes[text]; ok {
		return c
	}
	return d.add(text)
}

func (d *Dict) add(text string) uint32 {
	if d.codes == nil {
		d.codes = make(map[string]uint32)
	}
	if len(d.texts) == 0 {
		d.texts = append(d.texts, "")
	}
	c := uint32(len(d.texts))
	d.texts = append(d.texts, text)
	d.codes[text] = c
	d.bytes += len(text)
	return c
}

// Text gives the text of a code that Code returned.
func (d *Dict) Text(code uint32) string {
	if code == 0 {
		return ""
	}
	return d.texts[code]
}

// Len gives the number of codes, the empty text's among them.
func (d *Dict) Len() int { return max(1, len(d.texts)) }

// Bytes gives the length of all texts together, a measure of the memory that they hold.
func (d *Dict) Bytes() int { return d.bytes }

// Reset forgets all texts but keeps the memory of the tables.
func (d *Dict) Reset() {
	d.generation++
	clear(d.codes)
	clear(d.texts)
	d.texts = d.texts[:0]
	d.bytes = 0
}

// Generation counts the calls of Reset: codes are good for one generation.
func (d *Dict) Generation() uint32 { return d.generation }
