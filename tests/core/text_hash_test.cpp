#include "core/text_hash.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

TEST(TextHash, IsFnv1aOf64Bits) {
  EXPECT_EQ(text_hash(""), "cbf29ce484222325");
  EXPECT_EQ(text_hash("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(text_hash("foobar"), "85944171f73967e8");
}

TEST(TextHash, TellsTextsApart) {
  EXPECT_NE(text_hash("weight = 1\n"), text_hash("weight = 2\n"));
  EXPECT_NE(text_hash(std::string_view("\0", 1)), text_hash(""));
}

}  // namespace
}  // namespace sluice::core
