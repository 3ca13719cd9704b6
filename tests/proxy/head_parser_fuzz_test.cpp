#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include "core/framing.hpp"
#include "proxy/head_parser.hpp"

namespace sluice::proxy {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view request_seed =
    "POST /a/b?c=d HTTP/1.1\r\nHost: shop.example.com:8080\r\nContent-Length: 5\r\n"
    "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nCookie: a=b; c=d\r\n\r\n";
constexpr std::string_view response_seed =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nServer: x\r\n\r\n";

/// Changes, inserts, removes and repeats octets, more often than not those with a meaning.
std::string mutated(std::string text, std::mt19937& random) {
  constexpr std::string_view telling = "\r\n \t:,;/\0\x7f\xff%?#@[]0123456789HTP."sv;
  for (std::size_t i = 1 + random() % 5; i > 0; --i) {
    const std::size_t at = random() % text.size();
    const char octet =
        random() % 4 == 0 ? static_cast<char>(random()) : telling[random() % telling.size()];
    switch (random() % 4) {
      case 0:
        text[at] = octet;
        break;
      case 1:
        text.insert(at, 1, octet);
        break;
      case 2:
        if (text.size() > 1) text.erase(at, 1 + random() % 3);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 30));
    }
    if (text.empty()) text = "x";
  }
  return text;
}

bool is_inside(std::string_view view, const std::string& text) {
  return view.empty() ||
         (view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size());
}

bool has_line_octets(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// The whole head at the front of `text`, or "" when there is none.
std::string whole_head(const std::string& text, bool is_request) {
  HeadScan scan;
  const HeadScan::Found found = scan.look(text, {}, is_request);
  return found == HeadScan::Found::head ? text.substr(0, scan.size()) : "";
}

class HeadParserFuzzTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(HeadParserFuzzTest, AMutatedRequestIsRefusedOrHoldsNothingThatCouldSplitALine) {
  std::mt19937 random(GetParam());
  unsigned accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = whole_head(mutated(std::string(request_seed), random), true);
    if (text.empty()) continue;
    core::RequestHead head;
    const auto refusal = parse_request_head(text, 20, head);
    if (refusal) {
      ASSERT_GE(refusal->status, 400U);
      ASSERT_FALSE(refusal->detail.empty());
      continue;
    }
    ++accepted;
    ASSERT_FALSE(core::check_head_octets(text)) << text;
    for (const std::string_view part : {head.method, head.target, head.authority}) {
      ASSERT_FALSE(has_line_octets(part)) << text;
      ASSERT_EQ(part.find(' '), std::string_view::npos) << text;
    }
    ASSERT_LE(head.fields.size(), 20U);
    for (const core::Field& field : head.fields) {
      ASSERT_FALSE(has_line_octets(field.name) || has_line_octets(field.value)) << text;
      ASSERT_TRUE(is_inside(field.name, text) && is_inside(field.value, text));
      ASSERT_FALSE(field.name.empty());
      ASSERT_EQ(field.name.find_first_of(" \t:"), std::string_view::npos) << text;
    }
    // Whatever framing makes of it, it has to make up its mind.
    static_cast<void>(core::frame_request(head));
  }
  EXPECT_GT(accepted, 10U) << "the mutations leave nothing to look at";
}

TEST_P(HeadParserFuzzTest, AMutatedAnswerIsRefusedWith502OrHoldsNothingThatCouldSplitALine) {
  std::mt19937 random(GetParam());
  unsigned accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string text = whole_head(mutated(std::string(response_seed), random), false);
    if (text.empty()) continue;
    core::ResponseHead head;
    if (const auto refusal = parse_response_head(text, head)) {
      ASSERT_EQ(refusal->status, 502U);
      continue;
    }
    ++accepted;
    ASSERT_FALSE(core::check_head_octets(text)) << text;
    ASSERT_GE(head.status, 100U);
    ASSERT_LE(head.status, 999U);
    ASSERT_FALSE(has_line_octets(head.reason)) << text;
    for (const core::Field& field : head.fields) {
      ASSERT_FALSE(has_line_octets(field.name) || has_line_octets(field.value)) << text;
      ASSERT_TRUE(is_inside(field.name, text) && is_inside(field.value, text));
    }
  }
  EXPECT_GT(accepted, 10U) << "the mutations leave nothing to look at";
}

TEST_P(HeadParserFuzzTest, AScanInPiecesSaysWhatAScanOfTheWholeSays) {
  std::mt19937 random(GetParam());
  LimitSettings limits;
  limits.request_line = 60;
  limits.head = 220;
  for (int round = 0; round < 2000; ++round) {
    constexpr std::array<const char*, 3> behind = {"next", "\r\n\r\n--", "\n\r\n"};
    const std::string text = mutated(std::string(request_seed) + behind[random() % 3], random);
    HeadScan at_once;
    const HeadScan::Found whole = at_once.look(text, limits, true);
    HeadScan in_pieces;
    HeadScan::Found found = HeadScan::Found::more;
    for (std::size_t size = 0; size < text.size() && found == HeadScan::Found::more;) {
      size = std::min(text.size(), size + 1 + random() % 40);
      found = in_pieces.look(text.substr(0, size), limits, true);
    }
    // A refusal may come before the end of the head is there; a head is the same head.
    if (found == HeadScan::Found::head) {
      ASSERT_EQ(whole, HeadScan::Found::head) << text;
      ASSERT_EQ(in_pieces.size(), at_once.size()) << text;
    } else if (found == HeadScan::Found::more) {
      ASSERT_EQ(whole, HeadScan::Found::more) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, HeadParserFuzzTest, ::testing::Range(1U, 4U));

}  // namespace
}  // namespace sluice::proxy
