package rule

import "testing"

func TestShipped(t *testing.T) {
	names := ShippedNames()
	if len(names) != 2 {
		t.Fatalf("shipped are %v", names)
	}
	for _, name := range names {
		text, tests, ok := Shipped(name)
		if !ok {
			t.Fatalf("%s has no tests", name)
		}
		f := Read(name, text)
		if len(f.Diags) > 0 || len(f.Rules) != 1 {
			t.Fatal(f.Diags.Draw(f.Text, name))
		}
		_, diags := f.Rules[0].Compile(schema())
		if len(diags) > 0 {
			t.Fatal(diags.Draw(f.Text, name))
		}
		tf := ReadTests(name+" tests", tests)
		if len(tf.Diags) > 0 {
			t.Fatal(tf.Diags.Draw(tf.Text, tf.Name))
		}
		for _, one := range tf.Tests {
			out, err := one.Run(t.Context(), f.Rules[0], schema(), native)
			if err != nil {
				t.Fatal(err)
			}
			for _, failure := range out.Failures {
				t.Errorf("%s: %s: %s", name, one.Name, failure)
			}
		}
	}
}
