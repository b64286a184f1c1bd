#include "go_asm.h"
#include "textflag.h"

// func stepsAVX2(segs *segment, i, last int, p *byte, pos, n int, vals *span) (stop, at int)
//
// DI segment i   R9 i   SI p   DX pos   R8 n   R11 vals   Y0 blanks   Y3 equals   Y4 angles
// R12 the value's end    R13 the next text's length   R14 the next text's end
TEXT ·stepsAVX2(SB), NOSPLIT, $0-72
	MOVQ         segs+0(FP), DI
	MOVQ         i+8(FP), R9
	MOVQ         p+24(FP), SI
	MOVQ         pos+32(FP), DX
	MOVQ         n+40(FP), R8
	MOVQ         vals+48(FP), R11
	MOVQ         $0x2020202020202020, AX
	MOVQ         AX, X0
	VPBROADCASTQ X0, Y0
	MOVQ         $0x3D3D3D3D3D3D3D3D, AX
	MOVQ         AX, X3
	VPBROADCASTQ X3, Y3
	MOVQ         $0x3C3C3C3C3C3C3C3C, AX
	MOVQ         AX, X4
	VPBROADCASTQ X4, Y4
	MOVQ         R9, AX
	IMULQ        $segment__size, AX
	ADDQ         AX, DI

step:
	CMPQ      R9, last+16(FP)
	JGE       done
	MOVLQSX   (segment__size+segment_length)(DI), R13
	VMOVDQU   (segment__size+segment_head)(DI), Y2
	VMOVDQU   (SI)(DX*1), Y5
	VPCMPEQB  Y5, Y0, Y1
	VPMOVMSKB Y1, CX
	TESTL     CX, CX
	JZ        far

blank:
	// CX has the blanks among the value's first 32 bytes that are still to be tried.
	BSFL CX, AX
	LEAQ (DX)(AX*1), R12

try:
	LEAQ      (R12)(R13*1), R14
	CMPQ      R14, R8
	JGT       done
	VPCMPEQB  (SI)(R12*1), Y2, Y1
	VPMOVMSKB Y1, AX
	NOTL      AX
	TESTL     AX, (segment__size+segment_care)(DI)
	JNZ       another
	CMPQ      R13, $32
	JGT       long

matched:
	MOVBLSX segment_want(DI), AX
	TESTL   AX, AX
	JS      next
	MOVLQSX AX, AX
	MOVL    DX, (R11)(AX*8)
	MOVL    R12, 4(R11)(AX*8)

next:
	MOVQ R14, DX
	INCQ R9
	ADDQ $segment__size, DI
	JMP  step

another:
	// The next blank, if no key and no second message can hide before it.
	LEAL      -1(CX), AX
	ANDL      AX, CX
	JZ        done
	VPCMPEQB  Y5, Y3, Y6
	VPCMPEQB  Y5, Y4, Y7
	VPOR      Y6, Y7, Y6
	VPMOVMSKB Y6, BX
	LEAL      -1(CX), AX
	MOVL      CX, R10
	NOTL      R10
	ANDL      R10, AX
	TESTL     AX, BX
	JNZ       done
	JMP       blank

far:
	LEAQ 32(DX), R12

find:
	CMPQ      R12, R8
	JGE       done
	VPCMPEQB  (SI)(R12*1), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JNZ       found
	ADDQ      $32, R12
	JMP       find

found:
	BSFL AX, AX
	ADDQ AX, R12
	JMP  try

long:
	// What follows the first 32 bytes, in steps of 32; the last step ends with the text, and looks at some bytes twice.
	LEAQ (SI)(R12*1), AX
	MOVQ (segment__size+segment_text)(DI), BX
	MOVQ $32, CX
	SUBQ $32, R13

compare:
	CMPQ      CX, R13
	JGE       tail
	VMOVDQU   (AX)(CX*1), Y1
	VPCMPEQB  (BX)(CX*1), Y1, Y1
	VPMOVMSKB Y1, R10
	CMPL      R10, $-1
	JNE       done
	ADDQ      $32, CX
	JMP       compare

tail:
	VMOVDQU   (AX)(R13*1), Y1
	VPCMPEQB  (BX)(R13*1), Y1, Y1
	VPMOVMSKB Y1, R10
	CMPL      R10, $-1
	JNE       done
	JMP       matched

done:
	MOVQ R9, stop+56(FP)
	MOVQ DX, at+64(FP)
	VZEROUPPER
	RET

// func commasAVX2(p *byte, n int, masks *uint64) (odd, angle int)
//
// SI p   R8 n   DI masks   R9 offset   R10 odd   R11 angle   Y0 commas   Y1 quotes   Y2 braces   Y3 angles
TEXT ·commasAVX2(SB), NOSPLIT, $0-40
	MOVQ         p+0(FP), SI
	MOVQ         n+8(FP), R8
	MOVQ         masks+16(FP), DI
	MOVQ         $0x2C2C2C2C2C2C2C2C, AX
	MOVQ         AX, X0
	VPBROADCASTQ X0, Y0
	MOVQ         $0x2222222222222222, AX
	MOVQ         AX, X1
	VPBROADCASTQ X1, Y1
	MOVQ         $0x7B7B7B7B7B7B7B7B, AX
	MOVQ         AX, X2
	VPBROADCASTQ X2, Y2
	MOVQ         $0x3C3C3C3C3C3C3C3C, AX
	MOVQ         AX, X3
	VPBROADCASTQ X3, Y3
	XORQ         R9, R9
	MOVQ         R8, R10
	MOVQ         R8, R11

block:
	CMPQ      R9, R8
	JGE       end
	VMOVDQU   (SI)(R9*1), Y4
	VMOVDQU   32(SI)(R9*1), Y5
	VPCMPEQB  Y4, Y0, Y6
	VPCMPEQB  Y5, Y0, Y7
	VPMOVMSKB Y6, AX
	VPMOVMSKB Y7, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	MOVQ      AX, (DI)
	VPCMPEQB  Y4, Y1, Y6
	VPCMPEQB  Y4, Y2, Y7
	VPOR      Y6, Y7, Y6
	VPCMPEQB  Y4, Y3, Y8
	VPCMPEQB  Y5, Y1, Y9
	VPCMPEQB  Y5, Y2, Y10
	VPOR      Y9, Y10, Y9
	VPCMPEQB  Y5, Y3, Y11
	VPOR      Y6, Y8, Y12
	VPOR      Y9, Y11, Y13
	VPOR      Y12, Y13, Y12
	VPTEST    Y12, Y12
	JNZ       special

advance:
	ADDQ $64, R9
	ADDQ $8, DI
	JMP  block

special:
	// The first quote or brace, and the first angle, among the 64 bytes.
	CMPQ      R10, R8
	JLT       angles
	VPMOVMSKB Y6, AX
	VPMOVMSKB Y9, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	JZ        angles
	BSFQ      AX, AX
	LEAQ      (R9)(AX*1), R10

angles:
	CMPQ      R11, R8
	JLT       advance
	VPMOVMSKB Y8, AX
	VPMOVMSKB Y11, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	JZ        advance
	BSFQ      AX, AX
	LEAQ      (R9)(AX*1), R11
	JMP       advance

end:
	MOVQ R10, odd+24(FP)
	MOVQ R11, angle+32(FP)
	VZEROUPPER
	RET
