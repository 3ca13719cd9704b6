#include "core/octets.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::core {
namespace {

TEST(OctetsTest, ControlIsFoundAtEveryPlaceAndForEveryOctet) {
  for (std::size_t size = 1; size < 26; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (unsigned octet = 0; octet < 256; ++octet) {
        std::string text(size, '\xff');
        text[place] = static_cast<char>(octet);
        const bool control = octet < 0x20 || octet == 0x7f;
        ASSERT_EQ(find_control(text, 0), control ? place : size) << octet << " at " << place;
      }
    }
  }
}

TEST(OctetsTest, FieldTextAllowsTabAndHighOctetsOnly) {
  EXPECT_TRUE(is_field_text(""));
  EXPECT_TRUE(is_field_text("a\tb\tcdefghijkl\t\xe4\xff"));
  for (unsigned octet = 0; octet < 0x20; ++octet) {
    const std::string text = std::string("abc") + static_cast<char>(octet) + "defghijkl";
    EXPECT_EQ(is_field_text(text), octet == '\t') << octet;
  }
  EXPECT_FALSE(is_field_text("abcdefghij\x7f"));
}

TEST(OctetsTest, TokensAreExactlyThoseOfTheGrammar) {
  const std::string marks = "!#$%&'*+-.^_`|~";
  for (unsigned octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
    const bool digit = octet >= '0' && octet <= '9';
    EXPECT_EQ(is_token(std::string(1, c)),
              letter || digit || (octet != 0 && marks.find(c) != std::string::npos))
        << octet;
  }
  EXPECT_FALSE(is_token(""));
}

TEST(OctetsTest, ATokenEndsAtEveryPlaceWithEveryOctetThatIsNone) {
  for (const std::string_view around : {"a", "Z", "0", "-", "~", "!"}) {
    for (std::size_t place = 0; place < 40; ++place) {
      for (unsigned octet = 0; octet < 256; ++octet) {
        std::string text;
        while (text.size() < 40) text += around;
        text[place] = static_cast<char>(octet);
        const bool goes_on = is_token_char(text[place]);
        ASSERT_EQ(token_end(text), goes_on ? text.size() : place) << octet << " at " << place;
      }
    }
  }
  EXPECT_EQ(token_end(""), 0U);
}

TEST(OctetsTest, ElementsAreTrimmedAndEmptyOnesSkipped) {
  std::vector<std::string> elements;
  each_element(" a,,b c\t,\t, d", ',', [&](std::string_view one) { elements.emplace_back(one); });
  EXPECT_EQ(elements, (std::vector<std::string>{"a", "b c", "d"}));
}

}  // namespace
}  // namespace sluice::core
