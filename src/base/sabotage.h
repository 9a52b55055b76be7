// Bugs on demand: the model test proves that it would find each of them (tests/sim/sabotage).
//
// In every ordinary build STARLING_SABOTAGED(bug) is false at compile time and leaves no code.
#pragma once

#include <cstdint>

// One line each: the name, and what goes wrong. Those of the second list need several cores, those
// of the third a store that takes its time, those of the fourth QUIC.
#define STARLING_SABOTAGES_OF_ONE_CORE(X)                                  \
    X(ForgetDup, "what is sent again has no DUP")                          \
    X(IgnoreWindow, "more in flight than the receive maximum")             \
    X(SendExpired, "messages that expired in the queue are sent")          \
    X(ForgetQos2Identifier, "PUBREC is sent, its identifier not kept")     \
    X(DeliverPerFilter, "overlapping filters get a copy each")             \
    X(IgnoreNoLocal, "a publisher gets its own message despite No Local")  \
    X(KeepRetainFlag, "RETAIN stays set in live messages")                 \
    X(KeepOldTerms, "a repeated SUBSCRIBE changes nothing")                \
    X(KeepClearedRetained, "an empty retained message clears nothing")     \
    X(IgnoreWillDelay, "a will is sent at once")                           \
    X(KeepSessionOnCleanStart, "a clean start finds the old session")      \
    X(ServeEveryMember, "every member of a share group gets the message")  \
    X(KeepUnsent, "a group's messages wait at who left it")                \
    X(ReturnQos2, "what a departed member got at QoS 2 goes to another")   \
    X(LoseReturned, "what a departed member of a share group had is lost") \
    X(AllowLateDenied, "what the authorizer denies later is done all the same")

#define STARLING_SABOTAGES_OF_SEVERAL_CORES(X)                                             \
    X(RetainOnly, "a core that retains a message does not deliver it")                     \
    X(RetainAtPublisher, "a message is retained where it was published")                   \
    X(ForgetRemoteWildcards, "wildcard filters of other cores are not looked at")          \
    X(FindOneCore, "of the cores that want an exact topic only one is found")              \
    X(SkipInterestWait, "SUBACK does not wait until every core knows the filter")          \
    X(SkipMembersWait, "SUBACK does not wait until a share group's home knows the member") \
    X(ConfirmMembersEarly, "a member is in before every core knows its group's filter")    \
    X(SettleEarly, "PUBACK and PUBREC do not wait for the other cores")                    \
    X(AcknowledgeOutOfOrder, "an acknowledgement does not wait for those before it")       \
    X(PullFromOneCore, "retained messages are asked for at one core only")                 \
    X(TakeAnswerAtOnce, "retained messages are sent before what waits in the mail")        \
    X(ForgetLiveTopics, "an older retained message is sent after a newer live one")        \
    X(ForgetRefusal, "what a member's core refused is offered to nobody else")

#define STARLING_SABOTAGES_OF_KEEPING(X)                                                      \
    X(AcknowledgeUnkept, "acknowledgements do not wait for the store")                        \
    X(SendUnkept, "QoS 2 deliveries do not wait until their identifier is kept")              \
    X(ForgetUnsubscribed, "the store hears nothing of UNSUBSCRIBE")                           \
    X(MiscountQueued, "a queued delivery that is dropped is named as if none were in flight") \
    X(ForgetReplays, "the store hears nothing of retained messages that are on their way")

#define STARLING_SABOTAGES_OF_QUIC(X)                                               \
    X(LoseMovedNews, "a stream that is attached says nothing of what has come")     \
    X(LoseForwarded, "what comes for a connection that has moved is not forwarded") \
    X(MisnameNews, "news of a stream are told of another")                          \
    X(ForgetBlocked, "a write that was cut short is never gone on with")            \
    X(KeepCredit, "what has been read is never given back as credit")               \
    X(EndEarly, "what was read together with a stream's end is lost")               \
    X(ForgetEnd, "that a connection has ended is not told to the core that it left")

namespace starling {

enum class Sabotage : std::uint8_t {
    None,
#define STARLING_SABOTAGE_NAME(name, text) name,
    STARLING_SABOTAGES_OF_ONE_CORE(STARLING_SABOTAGE_NAME)
        STARLING_SABOTAGES_OF_SEVERAL_CORES(STARLING_SABOTAGE_NAME)
            STARLING_SABOTAGES_OF_KEEPING(STARLING_SABOTAGE_NAME)
                STARLING_SABOTAGES_OF_QUIC(STARLING_SABOTAGE_NAME)
#undef STARLING_SABOTAGE_NAME
};

#ifdef STARLING_SABOTAGE
inline Sabotage active_sabotage = Sabotage::None;  // set before the broker runs
#define STARLING_SABOTAGED(name) (::starling::active_sabotage == ::starling::Sabotage::name)
#else
#define STARLING_SABOTAGED(name) false
#endif

}  // namespace starling
