#include "app/pub_lines.h"

#include <array>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

using Answer = LineReader::Answer;

class LinesTest : public testing::Test {
protected:
    LinesTest() { EXPECT_EQ(::pipe(ends.data()), 0); }
    ~LinesTest() override {
        ::close(ends[0]);
        end();
    }

    void write(std::string_view text) {
        EXPECT_EQ(::write(ends[1], text.data(), text.size()), ssize_t(text.size()));
    }
    void end() {
        if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
    }

    // Every line there is, and what comes after them.
    Answer read() {
        read_lines.clear();
        std::string line;
        Answer answer;
        while ((answer = lines().next(line)) == Answer::Line) read_lines.push_back(line);
        return answer;
    }
    LineReader& lines() {
        if (!reader) reader.emplace(ends[0]);
        return *reader;
    }

    std::array<int, 2> ends{};
    std::optional<LineReader> reader;
    std::vector<std::string> read_lines;
};

TEST_F(LinesTest, ComeWhole) {
    write("one\n\ntw");
    EXPECT_EQ(read(), Answer::Later);
    EXPECT_EQ(read_lines, (std::vector<std::string>{"one", ""}));
    write("o\r\nthree");
    EXPECT_EQ(read(), Answer::Later);
    EXPECT_EQ(read_lines, (std::vector<std::string>{"two\r"}));
    end();
    EXPECT_EQ(read(), Answer::End);
    EXPECT_EQ(read_lines, (std::vector<std::string>{"three"}));
    EXPECT_EQ(read(), Answer::End);
}

TEST_F(LinesTest, EndWithTheInput) {
    write("one\n");
    end();
    EXPECT_EQ(read(), Answer::End);
    EXPECT_EQ(read_lines, (std::vector<std::string>{"one"}));
}

TEST_F(LinesTest, ThereMayBeNone) {
    end();
    EXPECT_EQ(read(), Answer::End);
    EXPECT_TRUE(read_lines.empty());
}

TEST(PartLine, TakesTheTopicOff) {
    struct Case {
        const char* line;
        const char* topic;
        const char* text;
    };
    static constexpr Case kCases[] = {
        {"a/b text", "a/b", "text"},
        {"a two words", "a", "two words"},
        {"a  x", "a", " x"},
        {"a ", "a", ""},
    };
    for (const Case& one : kCases) {
        const auto parted = part_line(one.line);
        ASSERT_TRUE(parted) << one.line;
        EXPECT_EQ(parted->topic, one.topic);
        EXPECT_EQ(parted->text, one.text);
    }
    for (const char* line : {"", "a", " text", "a/+ text", "# text", "\xff text"})
        EXPECT_FALSE(part_line(line)) << line;
}

}  // namespace
}  // namespace starling
