package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// rssUnit is what the kernel counts memory in.
const rssUnit = 1 << 10

// machine is what the figures were taken on.
type machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Memory int64  `json:"memoryBytes"`
	System string `json:"system"`
}

func thisMachine() machine {
	m := machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.CPU = field("/proc/cpuinfo", "model name")
	if m.CPU == "" {
		m.CPU = "unknown processor"
	}
	m.Memory = kilobytes("/proc/meminfo", "MemTotal")
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		// Major and minor only: the rest tells more of the machine than of its speed.
		if parts := strings.SplitN(string(release), ".", 3); len(parts) == 3 {
			m.System += ", Linux " + parts[0] + "." + parts[1]
		}
	}
	return m
}

// field reads one line "name : value" of a file of /proc, or nothing.
func field(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, found := strings.Cut(lines.Text(), ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kilobytes reads a field such as "MemTotal: 16384 kB" as bytes; 0 is unknown.
func kilobytes(path, name string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(field(path, name), " kB"), 10, 64)
	return n << 10
}

// harnessRSS is the most memory that this process has had so far.
func harnessRSS() int64 { return kilobytes("/proc/self/status", "VmHWM") }

// load is the load average of the last minute, or -1.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return -1
	}
	return n
}
