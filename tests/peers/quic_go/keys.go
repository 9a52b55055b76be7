package main

import (
	"context"
	_ "unsafe" // for go:linkname

	"github.com/lucas-clemente/quic-go/logging"
)

// The library has no setting for it: this is its own variable.
//
//go:linkname keyUpdateInterval github.com/lucas-clemente/quic-go/internal/handshake.KeyUpdateInterval
var keyUpdateInterval uint64

// Counts for connections made later; 0 leaves it to the library.
func replaceKeysAfter(packets uint64) {
	if packets != 0 {
		keyUpdateInterval = packets
	}
}

// Tells when the keys were replaced, and by whom.
type keyTracer struct{ logging.NullTracer }

func (keyTracer) TracerForConnection(context.Context, logging.Perspective,
	logging.ConnectionID) logging.ConnectionTracer {
	return keyConnectionTracer{}
}

type keyConnectionTracer struct{ logging.NullConnectionTracer }

func (keyConnectionTracer) UpdatedKey(generation logging.KeyPhase, remote bool) {
	say(event{Event: "key_updated", Code: uint64(generation), Remote: remote})
}
