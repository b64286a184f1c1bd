package accuracy

import (
	"context"
	"math"
	"runtime"
	"sync"
)

// Scored is what a method says of one channel.
type Scored struct {
	// Channel is the index in World.Channels.
	Channel int
	// Score orders channels, the most suspicious first. It has a meaning within one method only.
	Score float64
	// Period, in seconds, and Jitter, a share of it, are the method's estimates, NaN where it has none.
	Period, Jitter float64
	// Alarm is set where the method would report the channel at the threshold that it is shipped with.
	Alarm bool
	// P is the chance of so regular a channel in random traffic, NaN where the method gives none.
	P float64
}

// Method is a detector.
type Method interface {
	// Name is the method's name, as in tables.
	Name() string
	// Alarms says at which threshold it is shipped, and is empty where it has none.
	Alarms() string
	// Score gives the channels that it can say something of, in any order, each once.
	Score(ctx context.Context, w *World) ([]Scored, error)
}

// Methods gives all methods: ours first, with these weights or, where there are none, the shipped ones; then its peers.
func Methods(card *Card) []Method {
	return append([]Method{rhythm{card: card}, rhythm{card: card, statistic: true}}, Peers()...)
}

// Peers gives the methods to compare with.
func Peers() []Method {
	return []Method{
		founding{bySource: true},
		founding{},
		perChannel{"modal share", "more than 90 % of gaps", peerMin, modalShare},
		perChannel{"coefficient of variation", "under 0.2", peerMin, variation},
		perChannel{"FFT", "", peerMin, spectrum},
		perChannel{"gamma likelihood ratio", "", peerMin, gammaRatio},
		perChannel{"RITA, times only", "0.8", peerMin, ritaTimes},
		perChannel{"RITA", "0.7", peerMin, rita},
		perChannel{"Fortinet rule", "the rule's own conditions", MinRecords, fortinet},
		perChannel{"Elastic", "score of 3", peerMin, elastic},
		perChannel{"Flare", "5 % of gaps, 10 sessions", peerMin, flare},
	}
}

// peerMin is how many sessions a channel needs for a peer to look at it.
const peerMin = 8

// perChannel is a method that looks at one channel at a time.
type perChannel struct {
	name, alarms string
	least        int
	score        func(w *World, c *Channel) (Scored, bool)
}

func (m perChannel) Name() string   { return m.name }
func (m perChannel) Alarms() string { return m.alarms }

func (m perChannel) Score(ctx context.Context, w *World) ([]Scored, error) {
	n := len(w.Channels)
	parts := make([][]Scored, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for p := range parts {
		wait.Go(func() {
			for i := p * n / len(parts); i < (p+1)*n/len(parts) && ctx.Err() == nil; i++ {
				c := &w.Channels[i]
				if len(c.Sessions) < m.least {
					continue
				}
				if s, ok := m.score(w, c); ok {
					s.Channel, s.P = i, math.NaN()
					parts[p] = append(parts[p], s)
				}
			}
		})
	}
	wait.Wait()
	var out []Scored
	for _, p := range parts {
		out = append(out, p...)
	}
	return out, ctx.Err()
}

// seconds gives a session's start in whole seconds.
func seconds(s *Session) int64 { return int64(s.Start / 1000) }

// gapsOf gives the gaps between starts in whole seconds, and those of them that are not 0.
func gapsOf(c *Channel) (all, positive []float64) {
	all = make([]float64, 0, len(c.Sessions)-1)
	for i := 1; i < len(c.Sessions); i++ {
		g := float64(seconds(&c.Sessions[i]) - seconds(&c.Sessions[i-1]))
		all = append(all, g)
		if g > 0 {
			positive = append(positive, g)
		}
	}
	return all, positive
}

// fewestGaps is how many gaps that are not 0 a peer needs.
const fewestGaps = 3

// moments gives the mean and the standard deviation of a population.
func moments(v []float64) (mean, deviation float64) {
	if len(v) == 0 {
		return 0, 0
	}
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		deviation += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(v)))
}

// median gives the median of sorted numbers, 0 of none.
func median(sorted []float64) float64 {
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
