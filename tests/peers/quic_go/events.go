package main

import (
	"encoding/json"
	"errors"
	"os"
	"sync"

	"github.com/lucas-clemente/quic-go"
)

// What has happened. Fields that an event does not have are left out.
type event struct {
	Event   string `json:"event"`
	Stream  int64  `json:"stream"`
	Number  int64  `json:"number"` // of a new stream
	Data    []byte `json:"data,omitempty"`
	Code    uint64 `json:"code"`
	Kind    string `json:"kind,omitempty"`
	Remote  bool   `json:"remote,omitempty"`
	Resumed bool   `json:"resumed,omitempty"`
	Early   bool   `json:"early,omitempty"`
	Text    string `json:"text,omitempty"`
}

var (
	output     = json.NewEncoder(os.Stdout)
	outputLock sync.Mutex
)

func say(what event) {
	outputLock.Lock()
	defer outputLock.Unlock()
	if output.Encode(what) != nil {
		os.Exit(1) // nobody listens any more
	}
}

// How a connection has ended: by whom, with which code.
func closed(err error) event {
	said := event{Event: "closed", Kind: "other", Text: err.Error()}
	var application *quic.ApplicationError
	var transport *quic.TransportError
	var reset *quic.StatelessResetError
	switch {
	case errors.As(err, &application):
		said.Kind, said.Remote = "application", application.Remote
		said.Code = uint64(application.ErrorCode)
	case errors.As(err, &transport):
		said.Kind, said.Remote = "transport", transport.Remote
		said.Code = uint64(transport.ErrorCode)
	case errors.As(err, &reset):
		said.Kind, said.Remote = "stateless reset", true
	}
	return said
}
