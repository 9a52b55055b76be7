package main

import (
	"errors"
	"io"
	"sync"

	"github.com/lucas-clemente/quic-go"
)

// Commands that wait for those before them; he who gives more waits.
const commandsMax = 64

const readBytes = 64 * 1024

// A stream in two directions: what comes is told, what is to go waits its turn. That a write fails
// is not told, for its reason is: "reset" or "closed".
type stream struct {
	quic.Stream
	commands chan command
}

// Who reads is among the busy.
func startStream(opened quic.Stream, busy *sync.WaitGroup) *stream {
	started := &stream{opened, make(chan command, commandsMax)}
	busy.Add(1)
	go started.write()
	go func() {
		started.read()
		busy.Done()
	}()
	return started
}

func (s *stream) do(what command) {
	switch what.Do {
	case "reset":
		s.CancelWrite(quic.StreamErrorCode(what.Code)) // at once: a write may be waiting
	case "stop":
		s.CancelRead(quic.StreamErrorCode(what.Code))
	default:
		s.commands <- what
	}
}

func (s *stream) write() {
	for next := range s.commands {
		if next.Do == "finish" {
			s.Close()
		} else {
			s.Write(next.Data)
		}
	}
}

func (s *stream) read() {
	number := int64(s.StreamID())
	buffer := make([]byte, readBytes)
	for {
		count, err := s.Read(buffer)
		if count > 0 {
			say(event{Event: "data", Stream: number, Data: buffer[:count]})
		}
		if err != nil {
			sayEnd(number, err)
			return
		}
	}
}

func sayEnd(number int64, err error) {
	var reset *quic.StreamError
	switch {
	case err == io.EOF:
		say(event{Event: "fin", Stream: number})
	case errors.As(err, &reset):
		say(event{Event: "reset", Stream: number, Code: uint64(reset.ErrorCode)})
	}
}
