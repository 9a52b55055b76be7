package main

import (
	"log"
	"math/rand"
	"net"
	"sync"
	"time"
)

// A socket whose local port may change under way, as behind a router that forgets. The library does
// not notice: it takes the first address for the only one. Some datagrams may be lost, too.
type movingSocket struct {
	first net.Addr
	loss  int // percent of the datagrams, either way

	lock   sync.Mutex
	socket *net.UDPConn
}

func newMovingSocket(loss int) *movingSocket {
	socket := openSocket()
	return &movingSocket{first: socket.LocalAddr(), loss: loss, socket: socket}
}

func openSocket() *net.UDPConn {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	return socket
}

// Returns the new port. What was on its way to the old one is lost.
func (m *movingSocket) move() uint64 {
	fresh := openSocket()
	m.lock.Lock()
	old := m.socket
	m.socket = fresh
	m.lock.Unlock()
	old.Close()
	return uint64(fresh.LocalAddr().(*net.UDPAddr).Port)
}

func (m *movingSocket) current() *net.UDPConn {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.socket
}

func (m *movingSocket) loses() bool { return rand.Intn(100) < m.loss }

func (m *movingSocket) ReadFrom(into []byte) (int, net.Addr, error) {
	for {
		socket := m.current()
		count, from, err := socket.ReadFrom(into)
		isLost := err == nil && m.loses()
		hasMoved := err != nil && socket != m.current()
		if !isLost && !hasMoved {
			return count, from, err
		}
	}
}

// Never of a socket that is just being closed: that would end the connection.
func (m *movingSocket) WriteTo(datagram []byte, to net.Addr) (int, error) {
	if m.loses() {
		return len(datagram), nil
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.socket.WriteTo(datagram, to)
}

func (m *movingSocket) Close() error                     { return m.current().Close() }
func (m *movingSocket) LocalAddr() net.Addr              { return m.first }
func (m *movingSocket) SetReadBuffer(bytes int) error    { return m.current().SetReadBuffer(bytes) }
func (m *movingSocket) SetDeadline(when time.Time) error { return m.current().SetDeadline(when) }
func (m *movingSocket) SetReadDeadline(when time.Time) error {
	return m.current().SetReadDeadline(when)
}
func (m *movingSocket) SetWriteDeadline(when time.Time) error {
	return m.current().SetWriteDeadline(when)
}
