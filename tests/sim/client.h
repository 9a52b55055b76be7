// A small MQTT client in the hands of the driver. It keeps to the protocol, tells the model what it
// does and what it gets, and takes anything the protocol forbids as a failure.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "tests/sim/model.h"
#include "tests/sim/world.h"

namespace starling {

// What a client says in CONNECT, beyond what the model must know.
struct SimConnect {
    bool clean_start = true;
    std::uint32_t expiry_s = 0;  // version 5; below, what a clean start says
    std::uint16_t receive_maximum = 65535;
    std::uint16_t topic_alias_maximum = 0;
    std::optional<ModelWill> will;
};

struct SimSubscribe {
    std::string filter;
    ModelTerms terms;
    int retain_handling = 0;
};

// One client identifier, over all its connections.
// Owner: the driver.
class SimClient {
public:
    SimClient(World& world, Model& model, Trace& trace, int number, Version version);

    Version version() const { return version_; }
    int number() const { return number_; }
    bool is_connected() const { return wire_ && is_welcome_; }
    bool is_connecting() const { return wire_ && !is_welcome_; }
    bool is_stalled() const { return is_stalled_; }
    std::uint32_t expiry_s() const { return expiry_s_; }  // as it asked in CONNECT
    bool is_subscribed(const std::string& filter) const { return subscribed_.count(filter) != 0; }
    bool is_asking(const std::string& filter) const;  // and has no answer yet
    const std::set<std::string>& subscribed() const { return subscribed_; }
    // Below version 5 a client is in a share group or subscribes to its topics itself, not both.
    bool joins_groups() const { return version_ == Version::V5 || number_ % 2 == 0; }

    // Acknowledges at once, or only when told by acknowledge().
    void set_lazy(bool is_lazy) { is_lazy_ = is_lazy; }
    bool has_unanswered() const { return !unanswered_.empty(); }

    void connect(const SimConnect& terms);
    void subscribe(const std::vector<SimSubscribe>& filters);
    void unsubscribe(const std::string& filter);
    void publish(ModelMessage message);
    void acknowledge(std::size_t most);
    void stall(bool is_stalled);
    void disconnect(Reason reason, std::optional<std::uint32_t> expiry_s);
    // Another connection asks for this client's session and is refused: as an intruder, or for a
    // will where the client may publish nothing. Session and connection notice nothing of it.
    void knock(const std::string& will_topic);
    // The broker gets all but the last `lost` bytes; the client nothing more.
    void hang_up(std::size_t lost);

    // Takes what the broker has sent. False when there was nothing.
    bool read();

    // The end of a step: whatever the client asked for has been answered.
    void settle();

    // The broker has stopped: it has said so, and what it has not answered is in doubt.
    void end();

private:
    struct Answer {
        PacketType type;
        std::uint16_t packet_id;
    };
    struct Flow {  // a QoS 1 or 2 message of ours
        std::uint16_t packet_id;
        Publication* publication;
        bool has_pubrec;
    };
    struct Request {
        std::vector<SimSubscribe> filters;  // or, to unsubscribe, one without terms
        bool is_unsubscribe = false;
        MayBe before;  // what was unsubscribed
    };
    // A connection that has ended, whose last words are still to be read.
    struct Ended {
        std::unique_ptr<Wire> wire;
        ByteVector unread;
        unsigned life;
        std::vector<std::string> aliases;
        bool was_stalled;
    };

    // A connection that is to be refused.
    struct Knock {
        std::unique_ptr<Wire> wire;
        ByteVector unread;
    };

    void say(const std::string& what) { trace_.add("  " + id_ + " " + what); }
    void fail(const std::string& what) { trace_.fail(id_ + ": " + what); }
    void send(const ByteVector& bytes) { wire_->send(bytes); }
    void end_connection();
    std::uint16_t next_packet_id();
    void send_publish(const ModelMessage& message, std::uint16_t packet_id, bool dup);
    void send_answer(const Answer& answer);
    ModelArrival arrival() const { return {number_, life_, true}; }

    void doubt_unanswered();
    void settle_knocks();
    void settle_kept();
    bool awaits_last_words() const;
    void read_last_words(Ended& ended);
    void on_frame(const Frame& frame);
    void on_connack(const Frame& frame);
    void resume();
    void on_publish(const Frame& frame);
    void on_ack(const Frame& frame);
    void on_suback(const Frame& frame);
    void on_disconnect(const Frame& frame);
    // The delivery in a PUBLISH, or nothing if it is malformed.
    std::optional<ModelDelivery> delivery_of(const Frame& frame, std::vector<std::string>& aliases);

    World& world_;
    Model& model_;
    Trace& trace_;
    const int number_;
    const Version version_;
    const std::string id_;

    std::unique_ptr<Wire> wire_;  // empty while not connected
    ByteVector unread_;
    std::list<Ended> ended_;
    std::list<Knock> knocks_;
    unsigned life_ = 0;
    bool is_welcome_ = false;
    bool is_dismissed_ = false;
    bool expects_present_ = false;
    bool is_lazy_ = false;
    bool is_stalled_ = false;
    std::uint32_t expiry_s_ = 0;
    std::vector<std::string> aliases_;  // that the broker has set

    std::uint16_t last_packet_id_ = 0;
    std::list<Flow> flows_;
    std::deque<Answer> awaited_;     // PUBACK and PUBREC come in this order
    std::deque<Answer> unanswered_;  // that we owe
    std::map<std::uint16_t, Request> requests_;
    std::vector<Publication*> unconfirmed_;  // of QoS 0, of this step
    std::set<std::string> subscribed_;       // as far as SUBACK and UNSUBACK have told
};

}  // namespace starling
