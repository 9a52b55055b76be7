// Every bound of the broker: its unit, its default, and what happens there. config/options.cc gives
// them their names; docs/limits.md is generated from both.
#pragma once

#include <cstdint>

namespace starling::limits {

// Threads of one broker. More CPUs than that are left to others.
inline constexpr std::uint16_t kCores = 64;

// Requests from one core to another that are not finished. Beyond: their publisher is not read.
inline constexpr std::uint32_t kMailCredit = 1'024;

// Filters that came or went and that the other cores have yet to hear of. Beyond: who subscribes or
// unsubscribes is not read.
inline constexpr std::uint32_t kAnnouncements = 10'000;

// One answer of a topic's home about retained messages: messages, their bytes (one always fits),
// and topics looked at.
inline constexpr std::uint32_t kPullMessages = 64;
inline constexpr std::uint32_t kPullBytes = 64 << 10;
inline constexpr std::uint32_t kPullTopics = 1'000;

// Topics that came live while such an answer was on its way. Beyond: it is asked for again.
inline constexpr std::uint32_t kLiveTopics = 1'000;

// Milliseconds for a peer to read the last words and close: a socket closed over unread bytes
// resets them away. After: it is closed.
inline constexpr std::uint32_t kLingerMs = 2'000;

// Bytes that `memory.max` is at least: less leaves no room for anybody.
inline constexpr std::uint64_t kMemoryLeast = 32 << 20;

// How near to `memory.max` what happens, in percent: CONNECT is refused; QoS 0 is not buffered and
// nothing more is retained; publishers are not read, and the most expensive clients are ended.
inline constexpr std::uint32_t kMemoryTightPercent = 85;
inline constexpr std::uint32_t kMemoryScarcePercent = 92;
inline constexpr std::uint32_t kMemoryFullPercent = 97;

// Milliseconds between two looks at the memory in use, and between two clients ended, while it is
// scarce.
inline constexpr std::uint32_t kMemoryLookMs = 50;

// While memory is full, sessions looked at in a turn, of which the most expensive is ended.
inline constexpr std::uint32_t kSessionsWeighed = 4'096;

// Before any of those goes: bytes from which an unfinished CONNECT is expensive, and sockets with
// one that are closed in a turn.
inline constexpr std::uint32_t kExpensiveBytes = 16 << 10;
inline constexpr std::uint32_t kStrangersDropped = 64;

// Seconds that the authorizer may take for an answer. After: it is no.
inline constexpr std::uint32_t kAuthorizerTimeoutS = 10;

// Changes that the store has yet to keep. Beyond: who would cause more is not read. And seconds
// that it may take. After: who waits for an acknowledgement is disconnected without it.
inline constexpr std::uint32_t kUncommittedChanges = 65'536;
inline constexpr std::uint32_t kStoreTimeoutS = 30;

// Deliveries of a client that may be in flight, on all its streams. Beyond: they wait.
inline constexpr std::uint32_t kPacketIds = 65'535;

// Receivers of messages that are served in a turn, all together: some milliseconds. Beyond: the
// next turn goes on.
inline constexpr std::uint32_t kFanOutPerTurn = 16'384;

// What connections need while they have traffic, kept by a core for the next ones that do: about
// 600 bytes each. Beyond: freed.
inline constexpr std::uint32_t kSpareTraffic = 1'024;

// Connections with an accepted CONNECT. Beyond: 0x89, or return code 3; nobody is taken over.
inline constexpr std::uint32_t kConnections = 1'000'000;

// Sockets that have not sent CONNECT. Beyond: the oldest is closed.
inline constexpr std::uint32_t kHandshakes = 100'000;

// Seconds until a socket must have sent CONNECT. After: it is closed.
inline constexpr std::uint32_t kConnectTimeoutS = 30;

// Subscriptions of a client. Beyond: 0x97 (0x80 below version 5); the others of the packet stand.
inline constexpr std::uint32_t kSubscriptionsPerClient = 1'000;

// Messages waiting for a client. Beyond: one is dropped by the drop rule and counted.
inline constexpr std::uint32_t kQueueMessages = 1'000;

// Bytes of a client's queue, inflight messages, outbox, subscriptions and aliases; one message
// always fits. Beyond: the drop rule.
inline constexpr std::uint32_t kClientBytes = 1 << 20;

// Bytes unwritten for a slow socket. Beyond: QoS 0 is dropped and counted, the rest stays queued.
inline constexpr std::uint32_t kOutboxBytes = 256 << 10;

// Bytes of a control packet, announced. Beyond: 0x95.
inline constexpr std::uint32_t kPacketBytes = 1 << 20;

// Bytes of a CONNECT: five fields of 64 KiB and properties. Beyond: closed.
inline constexpr std::uint32_t kConnectBytes = 512 << 10;

// QoS 1 and 2 messages sent and not acknowledged. Beyond: they queue.
inline constexpr std::uint16_t kInflightOut = 100;

// The same from a client, announced as Receive Maximum. Beyond: 0x93.
inline constexpr std::uint16_t kInflightIn = 1'024;

// Bytes of a client identifier. Beyond: 0x85.
inline constexpr std::uint16_t kClientIdBytes = 1'024;
inline constexpr std::uint16_t kClientIdBytesV3 = 23;  // MQTT 3.1, section 3.1

// Levels of a topic name or filter. Beyond: 0x90 and 0x8F.
inline constexpr std::uint16_t kTopicLevels = 128;

// Topic aliases a connection may set, either way. Beyond: 0x94.
inline constexpr std::uint16_t kTopicAliases = 10;

// Sessions kept. Beyond: the session that has been absent longest ends.
inline constexpr std::uint32_t kSessions = 2'000'000;

// Seconds that an absent session is kept at most, also for version 3 clients with clean session 0.
inline constexpr std::uint32_t kSessionExpiryS = 7 * 24 * 3600;

// Retained messages and their bytes. Beyond: delivered, not stored, 0x97.
inline constexpr std::uint32_t kRetainedMessages = 1'000'000;
inline constexpr std::uint64_t kRetainedBytes = 1 << 30;

// Seconds between two updates of $SYS.
inline constexpr std::uint32_t kSysIntervalS = 10;

// Seconds until a stop stops waiting for slow readers.
inline constexpr std::uint32_t kShutdownTimeoutS = 10;

// QUIC handshakes of a core that are not complete. Beyond: Initial packets are dropped.
inline constexpr std::uint32_t kQuicHalfOpen = 10'000;

// The same from which a client must first show, by a Retry packet, that it is at its address.
inline constexpr std::uint32_t kQuicRetryFrom = 1'000;

// The same of one source network: ten of them fill a core, and behind a translator of addresses as
// many clients can come back at once as a core serves in a second. Beyond: dropped likewise.
inline constexpr std::uint32_t kQuicHalfOpenPerNetwork = 1'000;

// Blocks of addresses that an option may list: each new client is looked for in all.
inline constexpr std::size_t kAddressBlocks = 256;

// Seconds for a QUIC handshake, and then for the first stream. After: its connection is forgotten.
inline constexpr std::uint32_t kQuicHandshakeTimeoutS = 10;

// Milliseconds that a QUIC peer may be silent while it owes acknowledgements. After: its connection
// is forgotten.
inline constexpr std::uint32_t kQuicUserTimeoutMs = 30'000;

// Streams that a QUIC client may have open. Beyond: it waits until one has ended.
inline constexpr std::uint16_t kQuicStreams = 16;

// Bytes that a QUIC client may send unread, on a stream and in all. Beyond: it has no credit.
inline constexpr std::uint32_t kQuicStreamBytes = 64 << 10;
inline constexpr std::uint32_t kQuicConnectionBytes = 256 << 10;

// The same before its connection has been let in. Streams beside the first get the rest of their
// window when they are accepted.
inline constexpr std::uint32_t kQuicHeldStreamBytes = 4 << 10;
inline constexpr std::uint32_t kQuicHeldBytes = 32 << 10;

// New streams in a second, beyond those that may be open: each costs the state of its life. Beyond:
// the credit for more is withheld until the second is over.
inline constexpr std::uint16_t kQuicStreamsPerSecond = 100;

// Datagrams on their way from one core to one other, for connections that have moved there: as many
// as one wait() may read from a socket, 1.5 KB each. Beyond: they are lost, as in a network.
inline constexpr std::uint32_t kQuicForwards = 2'048;

// The same that a core holds for connections on their way. Beyond: lost likewise.
inline constexpr std::uint32_t kQuicHeldDatagrams = 256;

// Mail of each other core that a core handles before its own sockets have their turn.
inline constexpr std::uint32_t kQuicMailPerWait = 512;

// Milliseconds for a client to acknowledge the last words. After: its connection is closed.
inline constexpr std::uint32_t kQuicLingerMs = 3'000;

// Stateless resets that a core sends in a second. Beyond: none, and the peer finds out by silence.
inline constexpr std::uint32_t kQuicResetsPerSecond = 1'000;

// Ciphers that a core keeps for the packets that follow, 750 bytes each. Beyond: made anew.
inline constexpr std::uint32_t kQuicLiveCiphers = 1'024;

// Places in which a core keeps to which other it has sent a QUIC client that begins, for what this
// says early. A newer one takes the place of an older, whose early data is lost, and said again.
inline constexpr std::size_t kQuicSentHome = 1'024;

// Seconds that QUIC tickets are good where early data acts at once: each is remembered for three
// times as long.
inline constexpr std::uint32_t kQuicTicketLifetimeS = 2 * 3600;

// Such tickets that all cores together remember. Beyond: early data is refused, and said again.
inline constexpr std::uint32_t kQuicEarlyTickets = 262'144;

// Days after which QUIC's keys are replaced. 0: never.
inline constexpr std::uint32_t kQuicKeysDays = 30;

// Sets of them that a server knows, the replaced ones with it: to read an id costs an AES block for
// each that is newer than its own. While all are needed the keys are not replaced.
inline constexpr std::size_t kQuicKeySets = 8;

// Seconds for which those are kept that nobody uses any more; from a start on, all that there are.
inline constexpr std::uint32_t kQuicKeysOfBeforeS = 86'400;

// Seconds until they are looked at again when they could not be replaced.
inline constexpr std::uint32_t kQuicKeysRetryS = 600;

// QUIC connections of a core that are not parked, about 100 KB each. Beyond: one is.
inline constexpr std::uint32_t kQuicWindows = 1'024;

// Bytes in use of a QUIC connection's state from which it is large: to pack it costs more than the
// memory that parking saves.
inline constexpr std::uint32_t kQuicLargeBytes = 256 << 10;

// Of a core, large QUIC connections that stay in their window, at most half of the windows. Beyond:
// they are parked like any other.
inline constexpr std::uint32_t kQuicPinned = 128;

// While memory is tight, parts of a core's windows that are looked at in a second: those that
// nobody has entered meanwhile are given back.
inline constexpr std::uint32_t kQuicSavesPerSecond = 16;

// Of a core, parked QUIC connections that were woken to send and have yet to acknowledge: to wake
// them and to read their acknowledgements takes less than a probe timeout, even of one that is
// near. Beyond: the others wait until one has acknowledged, or until its timeout is over.
inline constexpr std::uint32_t kQuicWakes = 512;

// Bytes read from one connection, and packets handled, before the next has its turn.
inline constexpr std::uint32_t kReadBytes = 64 << 10;
inline constexpr std::uint32_t kPacketsPerTurn = 200;

// Packets handled and bytes read in a turn, over all connections. Beyond: the others wait for the
// next turn. What a turn makes of so many bytes is still in the processor's cache when it is
// written.
inline constexpr std::uint32_t kPacketsPerTurnInAll = 4'000;
inline constexpr std::uint32_t kReadBytesPerTurnInAll = 256 << 10;

}  // namespace starling::limits
