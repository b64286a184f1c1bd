//go:build !amd64

package logformat

func steps(segs []segment, i, last int, p []byte, pos, n int, vals *[wantCount]span) (stop, at int) {
	return stepsPlain(segs, i, last, p, pos, n, vals)
}

func commas(p []byte, n int, masks []uint64) (odd, angle int) { return commasPlain(p, n, masks) }
