// What each packet makes the forwarder send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/lightspeed/connection.h"
#include "bench/lightspeed/topics.h"

namespace starling {

// Forwards a PUBLISH as it came, packet identifier included, to all that subscribe to exactly its
// topic, and gives each side the answers that it waits for. It keeps no session, repeats nothing,
// knows no wildcard, retained message or will, and all clients of a topic must speak one version.
// Knows no socket. Owner: the loop.
class Forwarder {
public:
    // Answers are kept until forget_answers(): never more bytes than those that were answered,
    // of which there are at most so many.
    explicit Forwarder(std::size_t answer_bytes_max)
        : answers_(std::make_unique_for_overwrite<std::uint8_t[]>(answer_bytes_max)) {}

    // False: the connection said what this program does not understand. `packet` stays where it is
    // until all has been written.
    bool on_packet(Connection& from, const Packet& packet) {
        return packet.type() == PacketType::Publish ? on_publish(from, packet)
                                                    : on_other(from, packet);
    }

    // All packets that lay side by side have been told: what they bring is pushed by now.
    void on_last_packet() { end_run(); }

    void on_end(Connection& connection) { topics_.unsubscribe_all(connection); }

    // The connections that have something to write, each once.
    std::vector<Connection*>& listed() { return listed_; }

    // Once all is written.
    void forget_answers() { answer_bytes_ = 0; }

private:
    bool on_publish(Connection& from, const Packet& packet);
    bool on_other(Connection& from, const Packet& packet);
    bool on_connect(Connection& from, Bytes body);
    bool on_subscribe(Connection& from, Bytes body);
    bool answer_ack(Connection& to, std::uint8_t first_byte, Bytes packet_id);
    void answer_suback(Connection& to, Bytes body);
    void answer(Connection& to, Bytes bytes);
    void push_answer(Connection& to, std::size_t size);
    void push(Connection& to, Bytes bytes);
    void end_run();

    Topics topics_;

    // PUBLISHes of one topic that lie side by side: its subscribers get them as one.
    const Topic* run_topic_ = nullptr;
    Bytes run_;

    std::vector<Connection*> listed_;
    std::unique_ptr<std::uint8_t[]> answers_;
    std::size_t answer_bytes_ = 0;
};

}  // namespace starling
