package eval_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func TestDynamics(t *testing.T) {
	for _, c := range []struct{ group, exprs string }{
		{"access", `
			dynamic({"a":{"b":[10,20]}}).a.b[1] = 20
			dynamic([1,2,3])[-1] = 3
			dynamic([1,2,3])[3] = null
			dynamic([1,2,3])[-4] = null
			dynamic({"a":1}).b = null
			dynamic({"a":1})["a"] = 1
			dynamic({"a":1})[strcat("a", "")] = 1
			dynamic([1]).a = null
			dynamic("x")[0] = null
			dynamic({"a":null}).a = null`},
		{"json", `
			parse_json("[1, 2.5, \"x\"]") = [1,2.5,"x"]
			parse_json("{'a':1") = "{'a':1"
			parse_json("") = null
			parse_json(dynamic([1])) = [1]
			todynamic("{\"a\": {}}") = {"a":{}}
			dynamic_to_json(dynamic({"b":1,"a":{"d":1,"c":2}})) = "{\"a\":{\"c\":2,\"d\":1},\"b\":1}"
			dynamic_to_json(dynamic(null)) = "null"`},
		{"arrays", `
			array_length(dynamic([])) = 0
			array_length(dynamic({})) = null
			array_concat(dynamic([1]), dynamic(null), dynamic({"a":1}), dynamic([2,[3]])) = [1,2,[3]]
			array_slice(dynamic([1,2,3,4]), 1, 2) = [2,3]
			array_slice(dynamic([1,2,3,4]), -3, -2) = [2,3]
			array_slice(dynamic([1,2,3,4]), -9, 99) = [1,2,3,4]
			array_slice(dynamic([1,2,3,4]), 3, 1) = []
			array_slice(dynamic({}), 0, 1) = null
			array_split(dynamic([1,2,3,4,5]), 2) = [[1,2],[3,4,5]]
			array_split(dynamic([1,2,3,4,5]), dynamic([1,-2])) = [[1],[2,3],[4,5]]
			array_split(dynamic([1]), dynamic([9,0])) = [[1],[],[]]
			array_reverse(dynamic([1,"a",null])) = [null,"a",1]
			array_rotate_left(dynamic([1,2,3,4,5]), 2) = [3,4,5,1,2]
			array_rotate_right(dynamic([1,2,3,4,5]), 12) = [4,5,1,2,3]
			array_rotate_left(dynamic([]), 2) = []
			array_shift_left(dynamic([1,2,3]), 2) = [3,null,null]
			array_shift_left(dynamic([1,2,3]), -1, 0) = [0,1,2]
			array_shift_right(dynamic([1,2,3]), 9, 0) = [0,0,0]
			array_index_of(dynamic(["a","b","a"]), "a", 1) = 2
			array_index_of(dynamic(["a","b","a"]), "a", -1) = 2
			array_index_of(dynamic(["a","b","a"]), "b", 0, 1) = -1
			array_index_of(dynamic(["a","b","a"]), "a", 0, -1, 2) = 2
			array_index_of(dynamic([1,2.0]), 2) = 1
			array_index_of(dynamic({}), 2) = null
			array_iff(dynamic([true,false,0,7]), dynamic([1,2,3,4]), "no") = [1,"no","no",4]
			array_iff(dynamic(["x",null,true]), 1, dynamic([0])) = [null,null,1]
			array_sort_asc(dynamic([3,null,1.5,"b","a"])) = [1.5,3,"a","b",null]
			array_sort_desc(dynamic([3,null,1.5,"b","a"])) = [3,1.5,"b","a",null]
			array_sort_asc(dynamic([2,null,1]), false) = [null,1,2]
			array_sum(dynamic([1,2.5])) = 3.5
			array_sum(dynamic([1,"2"])) = null
			array_sum(dynamic([])) = 0.0
			pack_array(1, "a", dynamic([2]), int(null)) = [1,"a",[2],null]
			repeat("x", 2) = ["x","x"]
			repeat(1, -1) = null
			repeat(1, 2000000) = null
			zip(dynamic([1,2]), dynamic(["a"])) = [[1,"a"],[2,null]]
			range(1, 7, 3) = [1,4,7]
			range(5, 1, -2) = [5,3,1]
			range(1, 0) = []
			range(1, 3, 0) = null
			range(0.5, 2, 0.5) = [0.5,1.0,1.5,2.0]
			range(1h, 3h, 1h)[1] = "02:00:00"
			range(datetime(2024-01-01), datetime(2024-01-01 02:00))[2] = "2024-01-01T02:00:00.0000000Z"
			array_length(range(1, 3000000)) = 1048576
			range(9223372036854775806, 9223372036854775807, 1) = [9223372036854775806,9223372036854775807]`},
		{"sets", `
			set_union(dynamic([1,2,1]), dynamic([2.0,"2"]), dynamic(null)) = [1,2,"2"]
			set_intersect(dynamic([3,1,2,3]), dynamic([3,2])) = [3,2]
			set_intersect(dynamic([1]), dynamic(null)) = []
			set_difference(dynamic([3,1,null,3]), dynamic([1])) = [3,null]
			set_difference(dynamic([{"a":1,"b":2}]), dynamic([{"b":2,"a":1}])) = []
			set_has_element(dynamic(["x",[1]]), dynamic([1])) = true
			set_has_element(dynamic(null), 1) = null
			set_equals(dynamic([1,2,2]), dynamic([2,1])) = true
			set_equals(dynamic([1]), dynamic([1,2])) = false
			jaccard_index(dynamic([1,2,3]), dynamic([2,3,4])) = 0.5
			jaccard_index(dynamic([1]), dynamic(1)) = null`},
		{"bags", `
			bag_pack("a", 1, "b", dynamic([2]), "a", "last") = {"a":"last","b":[2]}
			bag_keys(dynamic({"b":1,"a":{"c":2}})) = ["b","a"]
			bag_keys(dynamic([1])) = null
			bag_merge(dynamic({"a":1}), dynamic(null), dynamic({"a":2,"b":3})) = {"a":1,"b":3}
			bag_merge(dynamic(1), dynamic(2)) = null
			bag_has_key(dynamic({"a":{"b":1}}), "$.a.b") = true
			bag_has_key(dynamic({"a":{"b":1}}), "$['a']['c']") = false
			bag_has_key(dynamic({"$":1}), "$") = true
			bag_has_key(dynamic([1]), "a") = null
			bag_set_key(dynamic({"a":1}), "b", "x") = {"a":1,"b":"x"}
			bag_set_key(dynamic({"a":1}), "$.a.b", 2) = {"a":{"b":2}}
			bag_set_key(dynamic(null), "b", "x") = null
			bag_set_key(dynamic({}), "$.a[0]", 2) = null
			bag_remove_keys(dynamic({"a":{"b":1,"c":2},"d":3}), dynamic(["d", "$.a.b", "$.x.y", 7])) = {"a":{"c":2}}
			bag_remove_keys(dynamic({"a":1}), dynamic("a")) = null
			bag_zip(dynamic(["a",8,"b","c"]), dynamic([1,2,3])) = {"a":1,"b":3,"c":null}
			bag_zip(dynamic("a"), dynamic([1])) = null`},
	} {
		t.Run(c.group, func(t *testing.T) { checkExpressions(t, c.exprs) })
	}
}

// call computes a function with values that no expression can bring.
func call(fn plan.Fn, out kql.Type, args ...eval.Value) eval.Value {
	f, _ := eval.Scalar(fn)
	return f(&eval.Env{}, out, args)
}

func TestSeveralSortedArrays(t *testing.T) {
	array := func(texts ...string) eval.Value {
		items := make([]eval.Value, len(texts))
		for i, s := range texts {
			items[i] = eval.String(s)
		}
		return eval.Array(items)
	}
	got := call(plan.FnArraySortDesc, kql.TypeDynamic, array("b", "c", "a"), array("2", "3", "1"), array("short"))
	if want := `[["c","b","a"],["3","2","1"],null]`; text(got) != want {
		t.Errorf("got %s, want %s", text(got), want)
	}
}

func TestPackAll(t *testing.T) {
	args := []eval.Value{
		eval.Bool(true), eval.String("a"), eval.Long(1), eval.String("b"), eval.String(""), eval.String("c"), eval.Null(kql.TypeInt),
	}
	if got := text(call(plan.FnPackAll, kql.TypeDynamic, args...)); got != `{"a":1}` {
		t.Errorf("without nulls and empty texts: %s", got)
	}
	args[0] = eval.Bool(false)
	if got := text(call(plan.FnPackAll, kql.TypeDynamic, args...)); got != `{"a":1,"b":"","c":null}` {
		t.Errorf("with all: %s", got)
	}
}

// A bag with more keys than are searched one by one must not lose or repeat one.
func TestGreatBag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching("[a-e]{1,3}"), 20, 60).Draw(t, "keys")
		var args []eval.Value
		last := map[string]int64{}
		for i, k := range keys {
			args = append(args, eval.String(k), eval.Long(int64(i)))
			last[k] = int64(i)
		}
		bag := call(plan.FnBagPack, kql.TypeDynamic, args...).Tree()
		if len(bag.Keys) != len(last) {
			t.Fatalf("%d keys, not %d", len(bag.Keys), len(last))
		}
		for i, k := range bag.Keys {
			if bag.Items[i].Int() != last[k] {
				t.Errorf("%s is %d, not %d", k, bag.Items[i].Int(), last[k])
			}
		}
	})
}

// What is in the union is in the intersection, or in one of the differences, and the arguments do not change.
func TestSetsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) eval.Value {
			numbers := rapid.SliceOfN(rapid.Int64Range(0, 6), 0, 10).Draw(t, name)
			items := make([]eval.Value, len(numbers))
			for i, n := range numbers {
				items[i] = eval.Long(n)
			}
			return eval.Array(items)
		}
		a, b := draw("a"), draw("b")
		before := text(a) + text(b)
		of := func(fn plan.Fn, x, y eval.Value) eval.Value { return call(fn, kql.TypeDynamic, x, y) }
		parts := call(plan.FnArrayConcat, kql.TypeDynamic, of(plan.FnSetIntersect, a, b), of(plan.FnSetDifference, a, b),
			of(plan.FnSetDifference, b, a))
		if same := of(plan.FnSetEquals, of(plan.FnSetUnion, a, b), parts); !same.Bool() {
			t.Errorf("union %s, parts %s", text(of(plan.FnSetUnion, a, b)), text(parts))
		}
		of(plan.FnArraySortAsc, a, b)
		if text(a)+text(b) != before {
			t.Error("an argument was changed")
		}
	})
}

func TestSortIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOf(rapid.Float64()).Draw(t, "numbers")
		items := make([]eval.Value, len(numbers))
		for i, f := range numbers {
			items[i] = eval.Real(f)
		}
		got := call(plan.FnArraySortAsc, kql.TypeDynamic, eval.Array(items)).Tree().Items
		slices.Sort(numbers)
		for i := range got {
			if got[i].Real() != numbers[i] {
				t.Fatalf("place %d has %v, not %v", i, got[i].Real(), numbers[i])
			}
		}
	})
}
