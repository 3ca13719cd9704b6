#include <gtest/gtest.h>

#include <string>

#include "core/hop.hpp"

namespace sluice::core {
namespace {

constexpr const char* valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(RequestIdTest, UsableIsVisibleAsciiOfBoundedSize) {
  EXPECT_TRUE(is_usable_request_id("a"));
  EXPECT_TRUE(is_usable_request_id("!~4bf9-x/y=z"));
  EXPECT_TRUE(is_usable_request_id(std::string(128, 'x')));
  for (const std::string& value :
       {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\tb"),
        std::string("a\r\nX: y"), std::string("\xc3\xa4"), std::string("a\x7f"),
        std::string(1, '\0')}) {
    EXPECT_FALSE(is_usable_request_id(value)) << value;
  }
}

TEST(RequestIdTest, NewOneIs32HexDigits) {
  std::string out = "old";
  make_request_id(out, 0x0123456789abcdefU, 0xfU);
  EXPECT_EQ(out, "0123456789abcdef000000000000000f");
  EXPECT_TRUE(is_usable_request_id(out));
}

TEST(RequestIdTest, TheDigitsAreThoseOfTheWords) {
  std::string id;
  make_request_id(id, 0x0123456789abcdefU, 0xfedcba9876543210U);
  EXPECT_EQ(id, "0123456789abcdeffedcba9876543210");
  make_request_id(id, 0x00000000000000a0U, 0xf900000000000000U);
  EXPECT_EQ(id, "00000000000000a0f900000000000000");
}

TEST(TraceparentTest, TheDigitsAreThoseOfTheWords) {
  std::string id;
  make_traceparent(id, 0x0123456789abcdefU, 0xfedcba9876543210U, 0x00f067aa0ba902b7U);
  EXPECT_EQ(id, "00-0123456789abcdeffedcba9876543210-00f067aa0ba902b7-01");
}

TEST(TraceparentTest, ValidOnes) {
  EXPECT_TRUE(is_valid_traceparent(valid));
  EXPECT_TRUE(is_valid_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
  EXPECT_TRUE(is_valid_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-new"));
}

TEST(TraceparentTest, InvalidOnes) {
  const std::string good = valid;
  for (const std::string& value :
       {std::string(), good.substr(0, 54), good + "-x", good + "0", good + " ",
        "ff" + good.substr(2), "0" + good, "0G" + good.substr(2),
        std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        std::string("00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"),
        std::string("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00x"),
        std::string("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-\r\n")}) {
    EXPECT_FALSE(is_valid_traceparent(value)) << value;
  }
}

TEST(TraceparentTest, NewOneIsValidAlsoForZeros) {
  std::string out;
  make_traceparent(out, 0x4bf92f3577b34da6U, 0xa3ce929d0e0e4736U, 0x00f067aa0ba902b7U);
  EXPECT_EQ(out, valid);
  make_traceparent(out, 0, 0, 0);
  EXPECT_TRUE(is_valid_traceparent(out)) << out;
}

}  // namespace
}  // namespace sluice::core
