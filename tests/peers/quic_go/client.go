package main

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"sync"
	"time"

	"github.com/lucas-clemente/quic-go"
)

// One connection at a time, and its streams by their numbers.
type client struct {
	port       int
	loss       int // percent
	tls        *tls.Config
	quic       *quic.Config
	socket     *movingSocket
	connection quic.Connection
	busy       *sync.WaitGroup // the connection, and who reads of it

	lock    sync.Mutex
	streams map[int64]*stream
}

func (c *client) do(what command) {
	switch what.Do {
	case "dial":
		c.dial(what.Protocol, what.Early)
	case "open":
		go c.open()
	case "rebind":
		say(event{Event: "rebound", Code: c.socket.move()})
	case "close":
		c.connection.CloseWithError(quic.ApplicationErrorCode(what.Code), "")
	default:
		c.stream(what.Stream).do(what)
	}
}

func (c *client) stream(number int64) *stream {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.streams[number]
}

// The idle timeout is longer than any test: who waits for a server that says nothing is not told
// that it has gone.
func settings(negotiate bool) *quic.Config {
	versions := []quic.VersionNumber{quic.Version1}
	if negotiate {
		versions = []quic.VersionNumber{quic.VersionDraft29, quic.Version1}
	}
	return &quic.Config{
		Versions:             versions,
		MaxIdleTimeout:       time.Hour,
		HandshakeIdleTimeout: time.Minute,
		TokenStore:           quic.NewLRUTokenStore(1, 1),
		Tracer:               keyTracer{},
	}
}

func (c *client) dial(protocol string, early bool) {
	c.socket = newMovingSocket(c.loss)
	c.streams = map[int64]*stream{}
	c.tls.NextProtos = []string{protocol}
	server := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.port}
	reach := quic.Dial
	if early {
		reach = dialEarly
	}
	connection, err := reach(c.socket, server, c.tls.ServerName, c.tls, c.quic)
	if err != nil {
		say(closed(err))
		return
	}
	c.connection = connection
	say(event{Event: "connected", Resumed: connection.ConnectionState().TLS.DidResume})
	c.busy = &sync.WaitGroup{}
	c.busy.Add(1)
	go watch(connection, c.busy)
}

// With a ticket, the connection is there before the server has been heard; the end of its handshake
// is told.
func dialEarly(socket net.PacketConn, server net.Addr, name string, tls *tls.Config,
	settings *quic.Config) (quic.Connection, error) {
	connection, err := quic.DialEarly(socket, server, name, tls, settings)
	if err != nil {
		return nil, err
	}
	go func() {
		<-connection.HandshakeComplete().Done()
		say(event{Event: "completed", Early: connection.ConnectionState().TLS.Used0RTT})
	}()
	return connection, nil
}

// Waits for the connection's end, and tells of it when all that came before is told. A server has
// no streams to open.
func watch(connection quic.Connection, busy *sync.WaitGroup) {
	_, err := connection.AcceptStream(context.Background())
	if err == nil {
		log.Fatal("the server has opened a stream")
	}
	busy.Done()
	busy.Wait()
	say(closed(err))
}

// Waits for the server's credit. Whoever wants two in order waits for the first to be told.
func (c *client) open() {
	opened, err := c.connection.OpenStreamSync(context.Background())
	if err != nil {
		return // the connection has ended, which is told
	}
	number := int64(opened.StreamID())
	c.lock.Lock()
	c.streams[number] = startStream(opened, c.busy)
	c.lock.Unlock()
	say(event{Event: "opened", Number: number})
}
