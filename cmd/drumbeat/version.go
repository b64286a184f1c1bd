package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the release build: -ldflags "-X main.version=v1.2.3".
// Nothing else writes it.
var version string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Annotations: map[string]string{noConfigKey: "it needs no settings"},
		Short:       "Shows which drumbeat this is",
		Example:     "  drumbeat version",
		Args:        noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionLine())
			return err
		},
	}
}

// versionLine returns the version with what the toolchain recorded of its
// source.
func versionLine() string {
	name, source := version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if name == "" && info.Main.Version != "(devel)" {
			name = info.Main.Version
		}
		source = sourceOf(info)
	}
	if name == "" {
		name = "devel"
	}
	return fmt.Sprintf("drumbeat %s%s %s %s/%s", name, source, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// sourceOf returns the commit as " (1a2b3c4d5e6f, 2026-03-02T10:00:00Z, changed)",
// or nothing where the build recorded none.
func sourceOf(info *debug.BuildInfo) string {
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if commit == "" {
		return ""
	}
	text := " (" + commit[:min(len(commit), 12)]
	if at := settings["vcs.time"]; at != "" {
		text += ", " + at
	}
	if settings["vcs.modified"] == "true" {
		text += ", changed"
	}
	return text + ")"
}
