// One client of a run.
#pragma once

#include <string>
#include <vector>

#include "load/publication.h"
#include "load/reception.h"

namespace starling {

// What a client reports of its own life. Owner: the process; outlives its clients.
class LoadClientListener {
public:
    virtual ~LoadClientListener() = default;

    // It is connected and has the answers to all its SUBSCRIBEs, or never will be. Also after
    // subscribe_late().
    virtual void on_settled() = 0;

    // Its connection, or the attempt to make one, has ended.
    virtual void on_gone() = 0;
};

// Connects once: what a lost connection takes along is missing, and is counted so.
// Owner: the process's core; does not move.
class LoadClient final : public ClientListener {
public:
    // `shared` is the reception of those it shares with, or null.
    LoadClient(LoadSite& site, ClientLoop& loop, LoadClientListener& listener, ClientPlace place,
               Reception* shared);

    void connect();
    void subscribe_late();
    void disconnect();

    std::vector<Publication>& publications() { return publications_; }
    bool is_sharing() const { return shared_ != nullptr; }
    Reception& reception() { return shared_ ? *shared_ : own_; }
    std::string name() const { return site_.roster.name(place_); }

    void on_connected(const ConnectAnswer& answer) override;
    void on_disconnected(const Disconnection& why) override;
    void on_message(const IncomingMessage& message) override;
    void on_room() override;

private:
    const ClientGroup& group() const { return site_.scenario.groups[place_.group]; }
    void subscribe(bool late);
    void on_subscribed(std::span<const Reason> reasons);
    bool is_in_order(const SequenceLedger::Arrival& arrival, const Stamp& stamp);
    void count_duplicate(Qos qos);
    void count_arrival(const SequenceLedger::Arrival& arrival, const Stamp& stamp);

    LoadSite& site_;
    LoadClientListener& listener_;
    ClientPlace place_;
    Reception* shared_;
    Reception own_;
    std::vector<std::uint32_t> next_;  // of each flow, where the ledgers are shared
    std::vector<Publication> publications_;
    Client client_;
    bool is_leaving_ = false;
    bool is_settling_ = false;  // on_settled() is due
};

}  // namespace starling
