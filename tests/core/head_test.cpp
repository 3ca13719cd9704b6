#include "core/head.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::array known_names = {
    std::pair{"Accept", FieldId::accept},
    std::pair{"Alt-Svc", FieldId::alt_svc},
    std::pair{"Authorization", FieldId::authorization},
    std::pair{"Connection", FieldId::connection},
    std::pair{"Content-Length", FieldId::content_length},
    std::pair{"Content-Type", FieldId::content_type},
    std::pair{"Cookie", FieldId::cookie},
    std::pair{"Date", FieldId::date},
    std::pair{"Expect", FieldId::expect},
    std::pair{"Forwarded", FieldId::forwarded},
    std::pair{"Host", FieldId::host},
    std::pair{"HTTP2-Settings", FieldId::http2_settings},
    std::pair{"Keep-Alive", FieldId::keep_alive},
    std::pair{"Location", FieldId::location},
    std::pair{"Max-Forwards", FieldId::max_forwards},
    std::pair{"Proxy-Authenticate", FieldId::proxy_authenticate},
    std::pair{"Proxy-Authorization", FieldId::proxy_authorization},
    std::pair{"Proxy-Connection", FieldId::proxy_connection},
    std::pair{"Proxy-Status", FieldId::proxy_status},
    std::pair{"Server", FieldId::server},
    std::pair{"Set-Cookie", FieldId::set_cookie},
    std::pair{"TE", FieldId::te},
    std::pair{"Trailer", FieldId::trailer},
    std::pair{"Traceparent", FieldId::traceparent},
    std::pair{"Transfer-Encoding", FieldId::transfer_encoding},
    std::pair{"Upgrade", FieldId::upgrade},
    std::pair{"Via", FieldId::via},
    std::pair{"X-Forwarded-For", FieldId::x_forwarded_for},
    std::pair{"X-Forwarded-Host", FieldId::x_forwarded_host},
    std::pair{"X-Forwarded-Proto", FieldId::x_forwarded_proto},
    std::pair{"X-Request-Id", FieldId::x_request_id},
};

TEST(FieldIdTest, EveryKnownNameIsFoundInAnyCase) {
  static_assert(known_names.size() == static_cast<std::size_t>(FieldId::x_request_id));
  for (const auto& [name, id] : known_names) {
    std::string lower = name;
    std::string upper = name;
    for (char& c : lower) c = to_lower(c);
    for (char& c : upper) c = is_letter(c) ? static_cast<char>(c & ~0x20) : c;
    EXPECT_EQ(field_id(name), id) << name;
    EXPECT_EQ(field_id(lower), id) << lower;
    EXPECT_EQ(field_id(upper), id) << upper;
  }
}

TEST(FieldIdTest, NearMissesAreOther) {
  for (const std::string name : {"", "T", "TEX", "Hos", "Hosts", "Host ", "Content_Length",
                                 "Content-Lengtj", "X-Forwarded-Port", "Transfer-Encodinx",
                                 "Proxy-Authorizations", "A-Name-Longer-Than-Any-Known-One"}) {
    EXPECT_EQ(field_id(name), FieldId::other) << name;
  }
}

TEST(FieldIdTest, OctetsThatDifferOnlyInTheCaseBitAreNotLetters) {
  std::string hyphen_as_control = "Content-Length";
  hyphen_as_control[7] = static_cast<char>('-' & ~0x20);
  EXPECT_EQ(field_id(hyphen_as_control), FieldId::other);
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_FALSE(iequals("@", "`"));
  EXPECT_TRUE(iequals("aBc-\xc3", "AbC-\xc3"));
  EXPECT_FALSE(iequals("abc", "abcd"));
}

TEST(FindTest, GivesTheFirstFieldWithTheId) {
  const Fields fields = {{"A", "1", FieldId::other},
                         {"Cookie", "2", FieldId::cookie},
                         {"Cookie", "3", FieldId::cookie}};
  ASSERT_NE(find(fields, FieldId::cookie), nullptr);
  EXPECT_EQ(find(fields, FieldId::cookie)->value, "2");
  EXPECT_EQ(find(fields, FieldId::host), nullptr);
}

}  // namespace
}  // namespace sluice::core
