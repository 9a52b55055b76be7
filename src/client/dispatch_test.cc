#include "client/dispatch.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

class DispatchTest : public testing::Test {
protected:
    MessageHandler logs(std::string name) {
        return [this, name](const IncomingMessage&) { log += name + ' '; };
    }
    std::string called(std::string_view topic) {
        log.clear();
        dispatch.call({.topic = topic, .payload = {}, .properties = {}});
        return log;
    }

    ClientDispatch dispatch;
    std::string log;
};

TEST_F(DispatchTest, CallsEachHandlerWhoseFilterMatches) {
    dispatch.set("a/+", logs("plus"));
    dispatch.set("a/#", logs("hash"));
    dispatch.set("a/b", logs("exact"));
    EXPECT_EQ(called("a/b"), "plus hash exact ");
    EXPECT_EQ(called("a"), "hash ");
    EXPECT_EQ(called("b"), "");
}

TEST_F(DispatchTest, KnowsASharedFilterByItsInnerOne) {
    dispatch.set("$share/group/a/+", logs("shared"));
    EXPECT_EQ(called("a/b"), "shared ");
    dispatch.remove("$share/group/a/+");
    EXPECT_EQ(called("a/b"), "");
}

TEST_F(DispatchTest, AFilterHasOneHandler) {
    dispatch.set("a", logs("old"));
    dispatch.set("a", logs("new"));
    EXPECT_EQ(called("a"), "new ");
}

TEST_F(DispatchTest, AHandlerMayRemoveItselfAndSetOthers) {
    dispatch.set("a", [this](const IncomingMessage&) {
        dispatch.remove("a");
        for (int i = 0; i < 100; ++i) dispatch.set("a/" + std::to_string(i), logs("later"));
        dispatch.set("#", logs("later"));
        log += "first ";
    });
    EXPECT_EQ(called("a"), "first ");
    EXPECT_EQ(called("a"), "later ");
}

}  // namespace
}  // namespace starling
