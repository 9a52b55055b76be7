// quic-go as a program: one client of MQTT over QUIC that knows no MQTT. What it is told and what it
// tells is in ../README.md.
//
//	quic_go --port 14567 --trust certificate.pem
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"io"
	"log"
	"os"
)

type command struct {
	Do       string
	Stream   int64
	Data     []byte
	Code     uint64
	Protocol string
	Early    bool
}

func main() {
	port := flag.Int("port", 14567, "the server's port of 127.0.0.1")
	trust := flag.String("trust", "", "a file of the authorities to trust")
	certificate := flag.String("certificate", "", "what to show a server that asks for it")
	key := flag.String("key", "", "the key of that")
	keyUpdate := flag.Uint64("key-update", 0, "packets after which the keys are replaced")
	loss := flag.Int("loss", 0, "percent of the datagrams lost, either way")
	negotiate := flag.Bool("negotiate", false, "begin with a version that nobody speaks any more")
	flag.Parse()
	replaceKeysAfter(*keyUpdate)
	// A socket of ours cannot say how large its buffer is, and nobody wants to know.
	os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	obey(os.Stdin, &client{
		port: *port,
		loss: *loss,
		tls: &tls.Config{
			ServerName:         "localhost",
			RootCAs:            authorities(*trust),
			Certificates:       identity(*certificate, *key),
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
		quic: settings(*negotiate),
	})
}

func authorities(file string) *x509.CertPool {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func identity(certificate, key string) []tls.Certificate {
	if certificate == "" {
		return nil
	}
	shown, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		log.Fatal(err)
	}
	return []tls.Certificate{shown}
}

// Does what it is told until nothing more is said.
func obey(input io.Reader, client *client) {
	lines := json.NewDecoder(input)
	for {
		var next command
		if err := lines.Decode(&next); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		client.do(next)
	}
}
