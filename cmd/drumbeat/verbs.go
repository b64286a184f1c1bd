package main

import "github.com/spf13/cobra"

// verbs returns the commands that do drumbeat's work, in the order in which the
// overview shows them. Each is made by a method in a file of its name.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{a.scanCommand(), a.flowsCommand(), a.queryCommand(), a.ruleCommand(), a.synthCommand(), a.accuracyCommand()}
}
