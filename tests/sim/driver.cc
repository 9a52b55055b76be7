#include "tests/sim/driver.h"

#include <algorithm>

#include "base/log.h"

namespace starling {
namespace {

constexpr int kClients = 7;
constexpr int kTurnsForSuback = 10'000;  // a store may be stuck meanwhile

const std::vector<std::string> kTopics = {"a",     "a/b",   "a/c",   "b/a",
                                          "b/b/c", "job/1", "job/2", "$other/x"};
const std::vector<std::string> kFilters = {"a",     "a/+", "a/#",      "+/b",      "b/#",
                                           "b/b/c", "+",   "$other/#", "$other/x", "a/b"};
// Those that match what share groups are for.
const std::vector<std::string> kWideFilters = {"#", "+/+", "job/#", "job/1", "+/#"};
const std::vector<std::string> kSharedFilters = {"$share/g/job/#", "$share/g/job/1",
                                                 "$share/h/job/+"};
const std::vector<std::string> kSharedFiltersV5 = {"$share/g/a/+", "$share/i/job/#"};
// Nobody is in this one for long.
const std::string kProbedFilter = "$share/probe/job/+";
// No wildcard filter matches them; they have several homes.
const std::vector<std::string> kProbedTopics = {"$probe/a", "$probe/b", "$probe/c", "$probe/d"};
// Not matched by them: messages without payload are told apart by nothing.
const std::vector<std::string> kClearedTopics = {"a", "b/a", "b/b/c", "$other/x"};

// No two groups have an identifier in common, so that a delivery tells whose it is.
std::uint32_t identifier_of_group(const std::string& filter) {
    std::uint32_t identifier = kSharedIdentifiers;
    for (const auto* filters : {&kSharedFilters, &kSharedFiltersV5})
        for (const std::string& one : *filters) {
            if (one == filter) return identifier;
            ++identifier;
        }
    return identifier;
}

Qos some_qos(Random& random) { return static_cast<Qos>(random.below(3)); }

}  // namespace

SimOutcome simulate(const SimOptions& options) {
    start_log(LogLevel::Error, LogFormat::Text);  // clients that come and go say nothing new
    Driver driver(options);
    driver.run(options.steps);
    return driver.outcome();
}

Driver::Driver(const SimOptions& options)
    : random_(options.seed),
      trace_(options.is_loud),
      shape_(some_shape(options.seed, random_)),
      world_(options.make_world(shape_)),
      model_(trace_, {.rules = shape_.rules,
                      .clients = kClients,
                      .inflight_max = shape_.options.inflight_out,
                      .has_stores = shape_.has_stores,
                      .kept = world_->kept()}) {
    for (int i = 0; i < kClients; ++i)
        clients_.emplace_back(*world_, model_, trace_, i, i < 4 ? Version::V5 : Version::V4);
}

// Some runs read a few bytes at a time, so that packets arrive in pieces.
WorldShape Driver::some_shape(std::uint64_t seed, Random& random) {
    WorldShape shape;
    shape.options = some_options(random);
    shape.rules = Rules(seed % 3 == 0);
    shape.has_stores = seed % 5 >= 3;
    shape.cores = static_cast<CoreId>(1 + seed % 4);
    if (random.below(4) == 0) shape.piece = 1 + random.below(20);
    shape.seed = random.next();
    return shape;
}

// Only windows act; the other bounds are far away.
BrokerOptions Driver::some_options(Random& random) {
    BrokerOptions options;
    options.sys_interval_s = 0;
    options.queue_messages = 100'000;
    options.client_bytes = 1 << 30;
    if (random.below(3) == 0)
        options.inflight_out = static_cast<std::uint16_t>(2 + random.below(5));
    if (random.below(2) == 0) options.mail_credit = 1 + random.below(2);
    if (random.below(3) == 0) options.fingerprint_bits = 8;
    options.share_strategy = static_cast<BrokerOptions::ShareStrategy>(random.below(5));
    return options;
}

SimOutcome Driver::outcome() const {
    return {trace_.failure(), trace_.story(), model_.deliveries()};
}

void Driver::run(unsigned steps) {
    for (unsigned i = 1; i <= steps && !trace_.has_failed(); ++i) step(i);
    if (!trace_.has_failed()) finish();
}

// --- Steps ---------------------------------------------------------------------------------------

void Driver::step(unsigned number) {
    trace_.add("step " + std::to_string(number));
    if (chance(12)) return pass_time();
    if (chance(8)) return chance(50) ? probe_group() : probe_retained();
    std::vector<bool> has_moved(clients_.size());
    if (!chance(40)) {
        act(any_client(), has_moved);
        return quiet_down();
    }
    model_.concurrent();
    for (unsigned actions = 2 + random_.below(6); actions > 0; --actions) {
        act(any_client(), has_moved);
        if (chance(50)) world_->turn_some(1 + random_.below(4));
        if (chance(30)) any_client().read();
    }
    quiet_down();
}

// SUBACK is a promise: what is published from then on is delivered, whatever is still under way. A
// share group of which nobody is a member is the hardest case.
void Driver::probe_group() {
    SimClient& reader = any_client();
    SimClient& writer = any_client();
    const bool can_probe = reader.is_connected() && writer.is_connected() && !reader.is_stalled();
    if (!can_probe || reader.version() != Version::V5 || &reader == &writer) return;
    SimSubscribe one = some_subscription(reader, identifier_of_group(kProbedFilter));
    one.filter = kProbedFilter;
    one.terms.no_local = false;
    one.terms.qos = Qos::AtLeastOnce;
    reader.subscribe({one});
    for (int turns = 0; turns < kTurnsForSuback && reader.is_asking(kProbedFilter); ++turns) {
        world_->turn_some(1);
        reader.read();
    }
    if (reader.is_asking(kProbedFilter)) return trace_.fail("no SUBACK in all the turns");
    ModelMessage message = some_message(writer);
    message.topic = "job/1";
    if (message.payload.empty()) message.payload = "m";
    writer.publish(message);
    quiet_down();
    if (trace_.has_failed()) return;
    reader.unsubscribe(kProbedFilter);
    quiet_down();
}

// Whatever is retained while a SUBSCRIBE is under way is heard live or as retained: by a core that
// wants nothing else of that topic.
void Driver::probe_retained() {
    SimClient& reader = any_client();
    SimClient& writer = any_client();
    const bool can_probe = reader.is_connected() && writer.is_connected() && !reader.is_stalled();
    if (!can_probe || &reader == &writer) return;
    model_.concurrent();
    SimSubscribe one;
    one.filter = one_of(kProbedTopics);
    reader.subscribe({one});
    world_->turn_some(random_.below(4 * shape_.cores));
    for (unsigned count = 1 + random_.below(3); count > 0; --count) {
        ModelMessage message = some_message(writer);
        message.topic = one.filter;
        message.payload = "m";
        message.retain = true;
        writer.publish(message);
    }
    world_->turn_some(random_.below(4 * shape_.cores));
    quiet_down();
    if (trace_.has_failed()) return;
    reader.unsubscribe(one.filter);
    quiet_down();
}

void Driver::quiet_down() {
    hear_all();
    for (SimClient& client : clients_)
        if (!trace_.has_failed()) client.settle();
    if (!trace_.has_failed()) model_.settle();
}

void Driver::hear_all() {
    bool has_news = true;
    while (has_news && !trace_.has_failed()) {
        world_->turn();
        has_news = false;
        for (SimClient& client : clients_) has_news = client.read() || has_news;
    }
}

// From event to event, so that most come alone. The clock stands a little after full seconds since
// anything that happened before: whether an event is due is never a matter of a timer's tick.
void Driver::pass_time() {
    if (chance(50)) return hop(520);  // between two sweeps of expired retained messages
    const TimeMs end = world_->now() + (1 + random_.below(20)) * TimeMs{1000};
    while (world_->now() < end && !trace_.has_failed()) {
        const TimeMs next = std::max(std::min(end, model_.next_event()), world_->now() + 1);
        hop((next - world_->now() + 999) / 1000 * 1000 + 20);
    }
}

void Driver::hop(TimeMs ms) {
    trace_.add("  " + std::to_string(ms) + " ms pass");
    model_.pass(world_->now() + ms);
    world_->pass(ms);
    quiet_down();
}

// --- The end -------------------------------------------------------------------------------------

void Driver::finish() {
    trace_.add("the end");
    come_back();
    if (!trace_.has_failed()) model_.finish();
    if (!trace_.has_failed()) undo_everything();
    if (!trace_.has_failed()) stop();
}

// Everybody comes back and acknowledges everything: then nothing may be owed.
void Driver::come_back() {
    for (SimClient& client : clients_) {
        client.set_lazy(false);
        if (client.is_stalled()) client.stall(false);
        client.acknowledge(1'000);
        quiet_down();
    }
    for (SimClient& client : clients_) {
        if (trace_.has_failed()) return;
        if (!model_.session(client.number()).exists) continue;
        SimConnect terms;
        terms.clean_start = false;
        terms.expiry_s = client.version() == Version::V5 ? 1'000 : 0;
        client.connect(terms);
        quiet_down();
    }
}

// All sessions end, with their wills, and no message stays retained: then nothing may be left.
void Driver::undo_everything() {
    for (SimClient& client : clients_) {
        client.connect({});
        quiet_down();
        if (trace_.has_failed()) return;
        client.disconnect(Reason::Success, std::nullopt);
        quiet_down();
    }
    clear_retained(clients_.front());
    const std::string leftovers = world_->leftovers();
    if (!leftovers.empty()) trace_.fail("everything has ended, and there are still" + leftovers);
}

void Driver::clear_retained(SimClient& keeper) {
    keeper.connect({});
    quiet_down();
    if (trace_.has_failed()) return;
    for (const auto* topics : {&kTopics, &kProbedTopics})
        for (const std::string& topic : *topics) {
            ModelMessage message;
            message.topic = topic;
            message.qos = Qos::AtLeastOnce;
            message.retain = true;
            keeper.publish(message);
        }
    quiet_down();
    keeper.disconnect(Reason::Success, std::nullopt);
    quiet_down();
}

// In the middle of traffic: what was acknowledged still comes to who is there, then good-byes. No
// session ends with its connection, or the others of its share groups would get what it had.
void Driver::stop() {
    for (SimClient& client : clients_) {
        SimConnect terms = some_terms(client);
        terms.clean_start = false;
        if (client.version() == Version::V5) terms.expiry_s = 1'000;
        client.connect(terms);
        quiet_down();
        if (!trace_.has_failed()) subscribe(client);
        quiet_down();
        if (trace_.has_failed()) return;
    }
    model_.concurrent();
    for (unsigned actions = 3 * kClients; actions > 0; --actions) {
        SimClient& client = any_client();
        client.publish(some_message(client));
        if (chance(50)) world_->turn_some(1 + random_.below(2));
    }
    world_->stop();
    model_.stop();
    hear_all();
    for (SimClient& client : clients_) client.end();
    if (!trace_.has_failed()) model_.settle();
    world_->turn();
    if (!world_->has_stopped()) trace_.fail("everybody has left, and the broker goes on");
    if (world_->kept() && !world_->kept()->is_settled())
        trace_.fail("the broker has stopped, and commits are under way");
}

// --- What clients do -----------------------------------------------------------------------------

void Driver::act(SimClient& client, std::vector<bool>& has_moved) {
    if (shape_.rules.refuses() && chance(4)) return knock(client);
    const auto index = static_cast<std::size_t>(client.number());
    if (client.is_connecting()) return;
    if (client.is_connected()) {
        const bool was_connected = !has_moved[index];
        act_connected(client, was_connected);
        if (!client.is_connected()) has_moved[index] = true;
        return;
    }
    if (has_moved[index]) return;
    has_moved[index] = true;
    connect(client);
}

void Driver::act_connected(SimClient& client, bool may_move) {
    const std::uint32_t dice = random_.below(100);
    if (client.is_stalled()) {
        if (dice < 40) return client.stall(false);
        if (dice < 70) return publish(client);
        if (dice < 80 && may_move) return leave(client);
        return;
    }
    if (dice < 55) return publish(client);
    if (dice < 70) return subscribe(client);
    if (dice < 77) return unsubscribe(client);
    if (dice < 82 && may_move) return leave(client);
    if (dice < 86 && may_move) return connect(client);
    if (dice < 88) return client.stall(true);
    client.acknowledge(1 + random_.below(4));
}

void Driver::connect(SimClient& client) {
    const SimConnect terms = some_terms(client);
    client.set_lazy(chance(40));
    client.connect(terms);
}

void Driver::knock(SimClient& client) {
    std::vector<std::string> refused;
    for (const std::string& topic : kTopics)
        if (!shape_.rules.may_publish(client_id(client.number()), topic)) refused.push_back(topic);
    client.knock(refused.empty() || chance(50) ? "" : one_of(refused));
}

SimConnect Driver::some_terms(const SimClient& client) {
    const bool is_v5 = client.version() == Version::V5;
    SimConnect terms;
    terms.clean_start = chance(20);
    if (is_v5 && chance(85)) terms.expiry_s = 2 + random_.below(40);
    if (is_v5 && chance(40))
        terms.receive_maximum = static_cast<std::uint16_t>(1 + random_.below(5));
    if (is_v5 && chance(30)) terms.topic_alias_maximum = 2;
    if (chance(40)) {
        ModelMessage message = some_message(client);
        while (!shape_.rules.may_publish(client_id(client.number()), message.topic))
            message = some_message(client);
        message.publisher = client.number();
        message.is_will = true;
        message.forwarded.clear();
        ModelWill will;
        will.message = model_.compose(std::move(message));
        if (is_v5 && chance(60)) will.delay_s = 1 + random_.below(20);
        terms.will = will;
    }
    return terms;
}

void Driver::subscribe(SimClient& client) {
    const bool is_v5 = client.version() == Version::V5;
    const bool is_shared = client.joins_groups() && chance(35);
    std::uint32_t identifier = is_v5 && chance(60) ? 1 + random_.below(9) : 0;
    std::vector<std::string> filters = is_shared ? kSharedFilters : kFilters;
    const auto& more = is_shared ? kSharedFiltersV5 : kWideFilters;
    if (is_shared ? is_v5 : (is_v5 || !client.joins_groups()))
        filters.insert(filters.end(), more.begin(), more.end());
    // Without identifiers one group at a time, so that a delivery tells whose it is.
    if (is_shared && !is_v5)
        filters = {kSharedFilters[static_cast<std::size_t>(client.number() / 2 % 3)]};

    std::vector<SimSubscribe> wanted;
    for (unsigned count = chance(70) ? 1 : 2; count > 0; --count) {
        SimSubscribe one = some_subscription(client, identifier);
        one.filter = one_of(filters);
        if (is_shared) one.terms.no_local = false;  // [MQTT-3.8.3-4]
        if (is_shared && is_v5) {
            if (!wanted.empty()) break;  // a SUBSCRIBE has one identifier
            one.terms.identifier = identifier_of_group(one.filter) + 10 * random_.below(3);
        }
        const bool is_there = std::any_of(wanted.begin(), wanted.end(), [&](const auto& other) {
            return other.filter == one.filter;
        });
        if (!is_there && !client.is_asking(one.filter)) wanted.push_back(one);
    }
    if (!wanted.empty()) client.subscribe(wanted);
}

SimSubscribe Driver::some_subscription(const SimClient& client, std::uint32_t identifier) {
    SimSubscribe one;
    one.terms.qos = some_qos(random_);
    if (client.version() != Version::V5) return one;
    one.terms.identifier = identifier;
    one.terms.no_local = chance(20);
    one.terms.retain_as_published = chance(40);
    one.retain_handling = static_cast<int>(random_.below(3));
    return one;
}

void Driver::unsubscribe(SimClient& client) {
    const auto& subscribed = client.subscribed();
    std::string filter = one_of(kFilters);
    if (!subscribed.empty() && chance(80)) {
        const auto place = random_.below(static_cast<std::uint32_t>(subscribed.size()));
        filter = *std::next(subscribed.begin(), static_cast<std::ptrdiff_t>(place));
    }
    if (!client.is_asking(filter)) client.unsubscribe(filter);
}

ModelMessage Driver::some_message(const SimClient& client) {
    ModelMessage message;
    message.topic = one_of(kTopics);
    message.qos = some_qos(random_);
    message.retain = chance(30);
    message.payload = "m";
    if (message.retain && chance(20)) {
        message.payload.clear();
        message.topic = one_of(kClearedTopics);
        return message;
    }
    if (client.version() != Version::V5) return message;
    if (chance(15)) message.expiry_s = 1 + random_.below(8);
    if (chance(20)) {
        PropertyWriter properties;
        properties.add_user("n", std::to_string(random_.below(1'000)));
        message.forwarded.assign(properties.block().begin(), properties.block().end());
    }
    return message;
}

void Driver::publish(SimClient& client) {
    for (unsigned count = chance(70) ? 1 : 1 + random_.below(kMessagesAtOnce); count > 0; --count)
        client.publish(some_message(client));
}

void Driver::leave(SimClient& client) {
    const bool is_v5 = client.version() == Version::V5;
    if (chance(60)) return client.hang_up(chance(50) ? random_.below(60) : 0);
    const Reason reason = is_v5 && chance(30) ? Reason::DisconnectWithWill : Reason::Success;
    std::optional<std::uint32_t> expiry_s;
    if (is_v5 && chance(30) && client.expiry_s() != 0) expiry_s = random_.below(30);
    client.disconnect(reason, expiry_s);
}

}  // namespace starling
