#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/ports/authorizer.h"
#include "broker/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

// Answers as its test says, at once or when told. Owner: the test.
class ScriptedAuthorizer final : public Authorizer {
public:
    Verdict ask(const Question& question) override {
        asked.push_back(text_of(question));
        if (question.action == Question::Action::Connect) passwords.push_back(login_of(question));
        const Verdict verdict = question.action == Question::Action::Connect
                                    ? Verdict{.kind = kind_of(""), .identity = 7}
                                    : Verdict{.kind = kind_of(question.topic)};
        if (is_late) {
            late.emplace_back(question.id, verdict);
            return {.kind = Verdict::Kind::Later};
        }
        return verdict;
    }
    void run(Listener& listener) override {
        for (const auto& [question, verdict] : std::exchange(ready, {}))
            listener.on_verdict(question, verdict);
    }
    bool has_answers() const override { return !ready.empty(); }

    // What is open is answered in the next turn, the latest first.
    void answer_all() { ready.assign(late.rbegin(), late.rend()), late.clear(); }

    bool is_late = false;
    std::map<std::string, bool, std::less<>> denied;  // topics and filters; "" is the login
    std::vector<std::string> asked, passwords;
    std::vector<std::pair<std::uint64_t, Verdict>> late, ready;

private:
    Verdict::Kind kind_of(std::string_view topic) const {
        return denied.contains(topic) ? Verdict::Kind::Denied : Verdict::Kind::Allowed;
    }
    static std::string text_of(const Question& question) {
        const char* actions[] = {"connect", "publish", "subscribe"};
        std::string text = actions[static_cast<int>(question.action)];
        text += ' ' + std::string(question.client_id) + ' ' + std::string(question.topic);
        return text + " as " + std::to_string(question.identity);
    }
    static std::string login_of(const Question& question) {
        return (question.has_username ? std::string(question.username) : "none") + ':' +
               (question.has_password ? std::string(as_text(question.password)) : "none");
    }
};

class AuthorizationTest : public testing::Test {
protected:
    using Wire = BrokerRig::Wire;

    std::string connect(const Wire& wire, const std::string& rest = "02 0000 [] ('x')") {
        return rig.say(wire, "10 [('MQTT') 05 " + rest + "]");
    }
    Wire welcome() {
        const Wire wire = rig.dial();
        connect(wire);
        return wire;
    }
    static std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

    ScriptedAuthorizer authorizer;
    BrokerRig rig{BrokerRig::quiet(), {.cores = 2}, &authorizer};
};

TEST_F(AuthorizationTest, HearsWhoWantsToDoWhat) {
    const Wire wire = rig.dial();
    connect(wire, "C6 0000 [] ('x') 00 ('last/will') ('gone') ('ann') ('secret')");
    rig.say(wire, "32 [('a') 0001 00] 82 [0002 00 ('b/#') 00 ('$share/g/c') 01]");
    EXPECT_EQ(
        authorizer.asked,
        (std::vector<std::string>{"connect x  as 0", "publish x last/will as 0", "publish x a as 7",
                                  "subscribe x b/# as 7", "subscribe x $share/g/c as 7"}));
    EXPECT_EQ(authorizer.passwords, (std::vector<std::string>{"ann:secret"}));
}

TEST_F(AuthorizationTest, RefusesALogin) {
    proves("MQTT-3.1.4-2");
    authorizer.denied[""] = true;
    Wire wire = rig.dial();
    EXPECT_EQ(connect(wire).substr(0, 8), hex("20 03 00 87").substr(0, 8));
    EXPECT_TRUE(wire->is_finished);
    wire = rig.dial();
    EXPECT_EQ(rig.say(wire, "10 [('MQTT') 04 02 0000 ('x')]"), hex("20 02 00 05"));
    EXPECT_TRUE(wire->is_finished);
}

TEST_F(AuthorizationTest, RefusesAWillItsClientMayNotPublish) {
    authorizer.denied["w"] = true;
    const Wire wire = rig.dial();
    EXPECT_EQ(connect(wire, "06 0000 [] ('x') 00 ('w') ('')").substr(4, 4), "0087");
}

TEST_F(AuthorizationTest, RefusesAMessageAndItsIdentifierIsNewAgain) {
    proves("MQTT-4.3.3-9");
    const Wire wire = welcome();
    const Wire reader = rig.dial();
    connect(reader, "02 0000 [] ('reader')");
    rig.say(reader, "82 [0001 00 ('#') 00]");
    authorizer.denied["no"] = true;
    EXPECT_EQ(rig.say(wire, "30 [('no') 00] 32 [('no') 0001 00]"), hex("40 [0001 87]"));
    EXPECT_EQ(rig.say(wire, "34 [('no') 0002 00]"), hex("50 [0002 87]"));
    EXPECT_EQ(rig.heard(reader), "");
    // The same identifier is another message, not the refused one once more.
    EXPECT_EQ(rig.say(wire, "34 [('yes') 0002 00 'x']"), hex("50 [0002]"));
    EXPECT_EQ(rig.heard(reader), hex("30 [('yes') 00 'x']"));
}

TEST_F(AuthorizationTest, RefusesFiltersOneByOne) {
    const Wire wire = welcome();
    authorizer.denied["no/#"] = true;
    EXPECT_EQ(rig.say(wire, "82 [0001 00 ('a') 00 ('no/#') 00 ('b') 01]"),
              hex("90 [0001 00 00 87 01]"));
    EXPECT_EQ(rig.say(wire, "30 [('no/x') 00]"), "");
}

TEST_F(AuthorizationTest, NothingOvertakesAPacketThatWaits) {
    authorizer.is_late = true;
    const Wire wire = rig.dial();
    EXPECT_EQ(connect(wire), "");
    EXPECT_EQ(rig.say(wire, "82 [0001 00 ('a') 00 ('b') 00] C0 00 30 [('a') 00 'x']"), "");
    EXPECT_EQ(authorizer.late.size(), 1u);  // only the CONNECT has been looked at
    authorizer.answer_all();
    rig.turn();
    EXPECT_EQ(rig.heard(wire).substr(0, 2), "20");
    EXPECT_EQ(authorizer.late.size(), 2u);
    authorizer.answer_all();
    rig.turn();
    EXPECT_EQ(rig.heard(wire), hex("90 [0001 00 00 00] D0 00"));
    authorizer.answer_all();
    rig.turn();
    EXPECT_EQ(rig.heard(wire), hex("30 [('a') 00 'x']"));
}

TEST_F(AuthorizationTest, ReadsNothingMoreMeanwhileAndKeepAliveRests) {
    const Wire wire = rig.dial();
    connect(wire, "02 0001 [] ('x')");
    authorizer.is_late = true;
    rig.say(wire, "32 [('a') 0001 00]");
    rig.pass(5'000);
    EXPECT_EQ(rig.say(wire, "C0 00"), "");
    EXPECT_EQ(wire->to_broker.size(), 2u);
    authorizer.answer_all();
    rig.turn();
    EXPECT_EQ(rig.heard(wire), hex("40 [0001 10] D0 00"));
}

TEST_F(AuthorizationTest, NoAnswerInTimeIsNo) {
    const Wire wire = welcome();
    authorizer.is_late = true;
    rig.say(wire, "32 [('a') 0001 00]");
    rig.pass(limits::kAuthorizerTimeoutS * 1'000 + 20);
    EXPECT_EQ(rig.heard(wire), hex("40 [0001 87]"));
    authorizer.answer_all();  // too late
    rig.turn();
    EXPECT_EQ(rig.heard(wire), "");
}

TEST_F(AuthorizationTest, NoAnswerInTimeIsNoBehindAnEarlierTimerToo) {
    const Wire wire = welcome();  // the timer of its CONNECT is armed for 30 s
    rig.pass(25'000);
    authorizer.is_late = true;
    rig.say(wire, "32 [('a') 0001 00]");
    rig.pass(5'100);
    EXPECT_EQ(rig.heard(wire), "");
    rig.pass(limits::kAuthorizerTimeoutS * 1'000 - 5'000);
    EXPECT_EQ(rig.heard(wire), hex("40 [0001 87]"));
}

TEST_F(AuthorizationTest, AnswersForWhoHasLeftAreIgnored) {
    const Wire wire = welcome();
    authorizer.is_late = true;
    rig.say(wire, "32 [('a') 0001 00]");
    rig.hang_up(wire);
    rig.pass(3'000);
    authorizer.answer_all();
    rig.turn();
    authorizer.is_late = false;
    const Wire again = rig.dial();
    EXPECT_EQ(connect(again).substr(0, 2), "20");
}

}  // namespace
}  // namespace starling
