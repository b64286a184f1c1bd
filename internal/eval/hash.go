package eval

import (
	"crypto/md5"  //nolint:gosec // hash_md5 is a function of the language; nothing is kept safe with it
	"crypto/sha1" //nolint:gosec // hash_sha1 is a function of the language; nothing is kept safe with it
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	mathbits "math/bits"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var hashFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnHash:         hashOf,
	plan.FnHashXxhash64: hashOf,
	plan.FnHashCombine:  hashCombine,
	plan.FnHashMany:     hashMany,
	plan.FnHashSha256: func(_ *Env, _ kql.Type, args []Value) Value {
		sum := sha256.Sum256([]byte(Text(args[0])))
		return String(hex.EncodeToString(sum[:]))
	},
	plan.FnHashSha1: func(_ *Env, _ kql.Type, args []Value) Value {
		sum := sha1.Sum([]byte(Text(args[0]))) //nolint:gosec // as above
		return String(hex.EncodeToString(sum[:]))
	},
	plan.FnHashMd5: func(_ *Env, _ kql.Type, args []Value) Value {
		sum := md5.Sum([]byte(Text(args[0]))) //nolint:gosec // as above
		return String(hex.EncodeToString(sum[:]))
	},
}

// hashOf is hash(value, mod) and hash_xxhash64: xxHash64 with seed 0 of the bytes of the value. Those of a string are its
// UTF-8; numbers and times are hashed as they lie in memory, lowest byte first, which the documentation shows for
// datetime; other types are hashed as their text. With a mod the hash is taken as a number without sign.
func hashOf(_ *Env, out kql.Type, args []Value) Value {
	h := xxHash64(hashedBytes(args[0].Inner()), 0)
	if len(args) == 1 {
		return Long(int64(h))
	}
	mod, ok := wholeOf(args[1])
	if !ok || mod <= 0 {
		return Null(out)
	}
	return Long(int64(h % uint64(mod)))
}

func hashedBytes(v Value) []byte {
	switch v.typ { //nolint:exhaustive // the others are hashed as text
	case kql.TypeBool:
		return []byte{byte(v.n)}
	case kql.TypeInt:
		return binary.LittleEndian.AppendUint32(nil, uint32(v.n))
	case kql.TypeLong, kql.TypeReal, kql.TypeDateTime, kql.TypeTimespan:
		return binary.LittleEndian.AppendUint64(nil, v.n)
	}
	return []byte(Text(v))
}

// hashCombine makes one hash of several. How the language does it is not published: equal hashes give equal results,
// which are not those of the service.
func hashCombine(_ *Env, _ kql.Type, args []Value) Value {
	var b []byte
	for _, a := range args {
		b = binary.LittleEndian.AppendUint64(b, a.n)
	}
	return Long(int64(xxHash64(b, 0)))
}

// hashMany is hash_combine of the hashes of values.
func hashMany(env *Env, out kql.Type, args []Value) Value {
	hashes := make([]Value, len(args))
	for i, a := range args {
		hashes[i] = hashOf(env, out, []Value{a})
	}
	return hashCombine(env, out, hashes)
}

// The primes of xxHash64.
const (
	xxPrime1 = 0x9E3779B185EBCA87
	xxPrime2 = 0xC2B2AE3D27D4EB4F
	xxPrime3 = 0x165667B19E3779F9
	xxPrime4 = 0x85EBCA77C2B2AE63
	xxPrime5 = 0x27D4EB2F165667C5
)

// xxHash64 is the hash of that name, as its specification (version 0.1.1 of the xxHash fast digest algorithm) has it.
func xxHash64(b []byte, seed uint64) uint64 {
	n := uint64(len(b))
	var h uint64
	if len(b) >= 32 {
		lanes := [4]uint64{seed, seed, seed, seed}
		lanes[0] += xxPrime1
		lanes[0] += xxPrime2
		lanes[1] += xxPrime2
		lanes[3] -= xxPrime1
		for ; len(b) >= 32; b = b[32:] {
			for i := range lanes {
				lanes[i] = xxRound(lanes[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		h = mathbits.RotateLeft64(lanes[0], 1) + mathbits.RotateLeft64(lanes[1], 7) + mathbits.RotateLeft64(lanes[2], 12) +
			mathbits.RotateLeft64(lanes[3], 18)
		for _, lane := range lanes {
			h = (h^xxRound(0, lane))*xxPrime1 + xxPrime4
		}
	} else {
		h = seed + xxPrime5
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = mathbits.RotateLeft64(h^xxRound(0, binary.LittleEndian.Uint64(b)), 27)*xxPrime1 + xxPrime4
	}
	if len(b) >= 4 {
		h = mathbits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*xxPrime1, 23)*xxPrime2 + xxPrime3
		b = b[4:]
	}
	for _, c := range b {
		h = mathbits.RotateLeft64(h^uint64(c)*xxPrime5, 11) * xxPrime1
	}
	h ^= h >> 33
	h *= xxPrime2
	h ^= h >> 29
	h *= xxPrime3
	return h ^ h>>32
}

func xxRound(lane, word uint64) uint64 {
	return mathbits.RotateLeft64(lane+word*xxPrime2, 31) * xxPrime1
}
