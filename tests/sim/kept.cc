#include "tests/sim/kept.h"

#include <utility>

#include "broker/delivery.h"
#include "broker/session.h"
#include "broker/subscription_table.h"

namespace starling {

// Makes a change one that can wait: its views are good now only.
struct Kept::Reader {
    using OfSession = std::function<const char*(KeptSession&)>;  // null, or what is wrong

    const std::string client;

    // One that changes a session that there must be.
    Change of_session(std::string note, OfSession change) const {
        const auto apply = [client = client, note, change](Kept& all) {
            const auto at = all.sessions_.find(client);
            const char* fault = at == all.sessions_.end() ? "no such session" : change(at->second);
            if (fault) all.fail(client + ": " + note + ": " + fault);
        };
        return {std::move(note), apply};
    }
    // Of a delivery that there must be.
    template <typename OfDelivery>
    Change of_delivery(const char* what, std::uint32_t position, OfDelivery change) const {
        return of_session(std::string(what) + " at " + std::to_string(position),
                          [position, change](KeptSession& session) -> const char* {
                              if (position >= session.deliveries.size())
                                  return "there is no such delivery";
                              return change(session, session.deliveries[position]);
                          });
    }

    Change operator()(const change::SessionKept& one) const {
        const auto apply = [client = client, expiry_s = one.expiry_s](Kept& all) {
            KeptSession& session = all.sessions_[client];
            session.is_connected = true;
            session.expiry_s = expiry_s;
        };
        return {"session kept", apply};
    }
    Change operator()(const change::SessionLeft&) const {
        return of_session("session left", [](KeptSession& session) {
            return std::exchange(session.is_connected, false) ? nullptr : "it was not there";
        });
    }
    Change operator()(const change::SessionEnded&) const {
        const auto apply = [client = client](Kept& all) {
            if (all.sessions_.erase(client) == 0)
                all.fail(client + " has no session that could end");
        };
        return {"session ended", apply};
    }
    Change operator()(const change::WillSet& one) const {
        const std::string topic = one.will ? one.will->topic : "";
        return of_session("will", [topic](KeptSession& session) {
            session.will_topic = topic;
            return nullptr;
        });
    }
    Change operator()(const change::Subscribed& one) const {
        const KeptTerms terms{one.terms.qos, one.terms.no_local, one.terms.retain_as_published,
                              one.terms.identifier};
        const std::string filter(one.filter);
        return of_session(note_of_filter("subscribed", client, filter),
                          [filter, terms](KeptSession& session) {
                              session.subscriptions[filter] = terms;
                              return nullptr;
                          });
    }
    Change operator()(const change::Unsubscribed& one) const {
        const std::string filter(one.filter);
        return of_session(
            note_of_filter("unsubscribed", client, filter), [filter](KeptSession& session) {
                return session.subscriptions.erase(filter) != 0 ? nullptr : "there was none";
            });
    }
    Change operator()(const change::Queued& one) const {
        const Message& message = *one.delivery.message;
        KeptDelivery delivery;
        delivery.topic = message.topic();
        delivery.payload = as_text(message.payload());
        delivery.qos = one.delivery.qos;
        delivery.retain = one.delivery.retain;
        delivery.is_shared = static_cast<bool>(one.delivery.group);
        return of_session(note_of(delivery), [delivery](KeptSession& session) {
            session.deliveries.push_back(delivery);
            return delivery.qos != Qos::AtMostOnce ? nullptr : "of QoS 0 nothing is kept";
        });
    }
    Change operator()(const change::Sent& one) const {
        return of_delivery("sent", one.position,
                           [id = one.packet_id](KeptSession& session, KeptDelivery& delivery) {
                               if (delivery.qos != Qos::ExactlyOnce) return "it is not of QoS 2";
                               if (delivery.packet_id != 0) return "it was sent already";
                               for (const KeptDelivery& other : session.deliveries)
                                   if (other.packet_id == id) return "the identifier is in use";
                               delivery.packet_id = id;
                               return static_cast<const char*>(nullptr);
                           });
    }
    Change operator()(const change::Released& one) const {
        return of_delivery("released", one.position, [](KeptSession&, KeptDelivery& delivery) {
            if (delivery.packet_id == 0) return "it was never sent";
            return std::exchange(delivery.was_released, true) ? "it was released already" : nullptr;
        });
    }
    Change operator()(const change::Finished& one) const {
        return of_delivery("finished", one.position,
                           [position = one.position](KeptSession& session, KeptDelivery&) {
                               session.deliveries.erase(session.deliveries.begin() + position);
                               return static_cast<const char*>(nullptr);
                           });
    }
    Change operator()(const change::Received& one) const {
        return of_session(note_of_id("received", client, one.packet_id),
                          [id = one.packet_id](KeptSession& session) {
                              return session.received.insert(id).second ? nullptr
                                                                        : "it was there already";
                          });
    }
    Change operator()(const change::Forgotten& one) const {
        return of_session(note_of_id("forgotten", client, one.packet_id),
                          [id = one.packet_id](KeptSession& session) {
                              return session.received.erase(id) != 0 ? nullptr : "it was not there";
                          });
    }
    Change operator()(const change::Retained& one) const {
        const std::string topic(one.message.topic());
        const std::string payload(as_text(one.message.payload()));
        const auto apply = [topic, payload](Kept& all) {
            if (payload.empty()) all.retained_.erase(topic);
            else all.retained_[topic] = payload;
        };
        return {note_of_message("retained", topic, payload), apply};
    }

    static std::string note_of(const KeptDelivery& delivery) {
        if (delivery.retain) return "perhaps of a replay";
        return note_of_message(delivery.is_shared ? "queued for a group" : "queued", delivery.topic,
                               delivery.payload);
    }
};

Kept::Change Kept::begin(std::string_view client_id, const change::Any& change) {
    Change one = std::visit(Reader{std::string(client_id)}, change);
    under_way_.insert(one.note);
    return one;
}

void Kept::end(const Change& change) {
    under_way_.erase(under_way_.find(change.note));
    change.apply(*this);
}

std::string Kept::note_of_message(const char* what, std::string_view topic,
                                  std::string_view payload) {
    return std::string(what) + ' ' + std::string(topic) + " '" + std::string(payload) + "'";
}

std::string Kept::note_of_filter(const char* what, std::string_view client_id,
                                 std::string_view filter) {
    return std::string(what) + ' ' + std::string(client_id) + ' ' + std::string(filter);
}

std::string Kept::note_of_id(const char* what, std::string_view client_id,
                             std::uint16_t packet_id) {
    return std::string(what) + ' ' + std::string(client_id) + ' ' + std::to_string(packet_id);
}

const KeptSession* Kept::find(const std::string& client_id) const {
    const auto at = sessions_.find(client_id);
    return at == sessions_.end() ? nullptr : &at->second;
}

}  // namespace starling
