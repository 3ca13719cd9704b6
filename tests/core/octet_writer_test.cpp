#include "core/octet_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

TEST(OctetWriter, AppendsPieceBehindPiece) {
  std::string text = "before ";
  {
    OctetWriter out(text);
    out.put("words ");
    out.put(std::string_view("view"));
    out.put(std::string_view());
    out.put('!');
  }
  EXPECT_EQ(text, "before words view!");
}

TEST(OctetWriter, GrowsWithWhateverComes) {
  std::string text;
  std::string expected;
  {
    OctetWriter out(text);
    for (int round = 0; round < 2000; ++round) {
      const std::string piece(static_cast<std::size_t>(round), static_cast<char>('a' + round % 26));
      out.put(piece);
      out.put("-");
      out.put('.');
      expected += piece + "-.";
    }
    EXPECT_EQ(out.size(), expected.size());
  }
  EXPECT_EQ(text, expected);
}

TEST(OctetWriter, TakesBackWhatWasPut) {
  std::string text = "a";
  {
    OctetWriter out(text);
    const std::size_t before = out.size();
    out.put("gone");
    out.cut_to(before);
    out.put("b");
  }
  EXPECT_EQ(text, "ab");
}

TEST(OctetWriter, AStringThatIsUsedAgainIsNotAllocatedForAgain) {
  std::string text;
  const auto write = [&text] {
    text.clear();
    OctetWriter out(text);
    for (int piece = 0; piece < 100; ++piece) out.put("0123456789");
  };
  write();
  const char* place = text.data();
  write();
  EXPECT_EQ(text.data(), place);
  EXPECT_EQ(text.size(), 1000U);
}

}  // namespace
}  // namespace sluice::core
