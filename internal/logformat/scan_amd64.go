package logformat

import "golang.org/x/sys/cpu"

// hasAVX2 says that the processor has the instructions of stepsAVX2 and commasAVX2.
var hasAVX2 = cpu.X86.HasAVX2

// stepsAVX2 is stepsPlain with 32 bytes at a time.
//
//go:noescape
func stepsAVX2(segs *segment, i, last int, p *byte, pos, n int, vals *span) (stop, at int)

// commasAVX2 is commasPlain with 64 bytes at a time. masks holds a word for each 64 bytes of n.
//
//go:noescape
func commasAVX2(p *byte, n int, masks *uint64) (odd, angle int)

func steps(segs []segment, i, last int, p []byte, pos, n int, vals *[wantCount]span) (stop, at int) {
	if hasAVX2 && i < last {
		return stepsAVX2(&segs[0], i, last, &p[0], pos, n, &vals[0])
	}
	return stepsPlain(segs, i, last, p, pos, n, vals)
}

func commas(p []byte, n int, masks []uint64) (odd, angle int) {
	if hasAVX2 {
		return commasAVX2(&p[0], n, &masks[0])
	}
	return commasPlain(p, n, masks)
}
