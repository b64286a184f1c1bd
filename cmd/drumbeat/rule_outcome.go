package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"drumbeat/internal/rule"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// windowText gives what a run saw.
func windowText(w plan.Window) string {
	if w == (plan.Window{}) {
		return "all times"
	}
	return stampText(w.From) + " to " + stampText(w.To)
}

// dropsChannel says whether a step drops a channel; nil where none is followed.
func dropsChannel(channel rule.Channel, p *rule.Pipeline, step int) any {
	if !channel.Any() {
		return nil
	}
	return step == p.Lost
}

// textOrNull gives a text as a dynamic value: nothing is null, which a string cannot be.
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return json.RawMessage(table.AppendJSONString(nil, text))
}

// appendExplained writes what came of a run that was explained, as JSON. What has no meaning for a hunting query, or
// without a channel, is null.
func appendExplained(dst []byte, r *rule.Rule, x *rule.Explanation, channel rule.Channel, engine engineChoice) []byte {
	null := func(known bool, text string) string {
		if !known {
			return "null"
		}
		return text
	}
	instant := func(ticks int64) string { return `"` + string(table.AppendDatetime(nil, ticks)) + `"` }
	windowed := x.Window != (plan.Window{})
	dst = fmt.Appendf(dst, `{"RunAt":%s,"WindowFrom":%s,"WindowTo":%s,"Rows":%d,"Fires":%s,"ChannelInResult":%s,"Engine":`,
		instant(x.At), null(windowed, instant(x.Window.From)), null(windowed, instant(x.Window.To)), x.Rows,
		null(r.Kind != rule.Hunting, strconv.FormatBool(x.Triggered)), channelInResult(x, channel))
	dst = table.AppendJSONString(dst, engine.name)
	dst = table.AppendJSONString(append(dst, `,"EngineReason":`...), engine.why)
	dst = table.AppendJSONString(append(dst, `,"_rule":`...), r.ID)
	return fmt.Appendf(dst, `,"_runAt":%s}`+"\n", instant(x.At))
}

// channelInResult says true, false, or null where that was not asked or no column tells.
func channelInResult(x *rule.Explanation, channel rule.Channel) string {
	if !channel.Any() {
		return "null"
	}
	main := &x.Tables[len(x.Tables)-1]
	met := false
	for _, s := range main.Steps {
		met = met || s.Channel > 0
	}
	switch last := len(main.Steps) - 1; {
	case last >= 0 && main.Steps[last].Channel > 0:
		return "true"
	case met && main.Lost < 0:
		return "null"
	}
	return "false"
}
