#include "core/address.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::core {
namespace {

using Kind = Address::Kind;

Address address_of(std::string_view text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address) << text;
  return address ? *address : Address{};
}

TEST(ParseAddressTest, ReadsEveryKind) {
  EXPECT_EQ(address_of("192.0.2.1:80"), (Address{Kind::ipv4, "192.0.2.1", 80}));
  EXPECT_EQ(address_of("[2001:db8::1]:443"), (Address{Kind::ipv6, "2001:db8::1", 443}));
  EXPECT_EQ(address_of("shop.example.com:8080"), (Address{Kind::name, "shop.example.com", 8080}));
  EXPECT_EQ(address_of("localhost:80"), (Address{Kind::name, "localhost", 80}));
  EXPECT_EQ(address_of("unix:/run/a.sock"), (Address{Kind::unix_path, "/run/a.sock", 0}));
}

TEST(ParseAddressTest, GivesOneTextForOneAddress) {
  EXPECT_EQ(to_string(address_of("[2001:0DB8:0:0:0:0:0:1]:80")), "[2001:db8::1]:80");
  EXPECT_EQ(to_string(address_of("Shop.Example.COM.:80")), "shop.example.com:80");
  EXPECT_EQ(to_string(address_of("127.0.0.1:00080")), "127.0.0.1:80");
  EXPECT_EQ(to_string(address_of("unix:/A:b/c")), "unix:/A:b/c");
}

TEST(ParseAddressTest, TakesEveryPort) {
  EXPECT_EQ(address_of("127.0.0.1:0").port, 0);
  EXPECT_EQ(address_of("127.0.0.1:65535").port, 65535);
  EXPECT_EQ(address_of("unix:80"), (Address{Kind::name, "unix", 80}));
}

TEST(ParseAddressTest, RefusesWhatIsNotAnAddress) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 80",
                           "127.0.0.1:80 ",
                           " 127.0.0.1:80",
                           "127.0.0.1:http",
                           "256.0.0.1:80",
                           "1.2.3:80",
                           "1.2.3.4.5:80",
                           "01.2.3.4:80",
                           "127.1:80",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[::1]:",
                           "[::1:80",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[fe80::1%eth0]:80",
                           "[shop]:80",
                           "a b:80",
                           "-a.example:80",
                           "a-.example:80",
                           "a..b:80",
                           ".a:80",
                           "a/b:80",
                           "http://a:80",
                           "user@a:80",
                           "*.example.com:80",
                           "unix:",
                           "unix:run/a.sock",
                           "unix:@a",
                           "/run/a.sock",
                           "a:80:90",
                           "shop.42:80"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(address.error().ends_with('.')) << address.error();
  }
}

TEST(ParseAddressTest, BoundsTheLengthOfNamesAndPaths) {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  EXPECT_TRUE(parse_address(longest + ":80"));
  EXPECT_FALSE(parse_address(longest + "a:80"));
  EXPECT_FALSE(parse_address(label + "a:80"));
  EXPECT_TRUE(parse_address("unix:/" + std::string(unix_path_max - 1, 'a')));
  EXPECT_FALSE(parse_address("unix:/" + std::string(unix_path_max, 'a')));
  EXPECT_FALSE(parse_address(std::string_view("unix:/a\0b", 9)));
}

TEST(ParseAddressTest, SaysWhatWasFoundAndWhatIsAllowed) {
  EXPECT_EQ(parse_address("shop").error(),
            "\"shop\" has no port; allowed are \"IPv4:port\", \"[IPv6]:port\", \"name:port\" and "
            "\"unix:/path\".");
  EXPECT_EQ(parse_address("shop:70000").error(),
            "\"shop:70000\" has the port \"70000\"; allowed are numbers up to 65535.");
  EXPECT_NE(parse_address("::1:80").error().find("brackets"), std::string::npos);
  EXPECT_EQ(parse_address("a\n:80").error().find('\n'), std::string::npos);
}

TEST(ParseAddressTest, WhateverPassesReadsTheSameAgain) {
  std::mt19937_64 random(1);
  const std::string octets = "0125.:[]abf-/unix%";
  int passed = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 9; text.size() < length;) {
      text += octets[random() % octets.size()];
    }
    text += ":8";
    const auto address = parse_address(text);
    if (!address) continue;
    ++passed;
    ASSERT_EQ(address_of(to_string(*address)), *address) << text;
  }
  EXPECT_GT(passed, 1'000);
}

TEST(IsLoopbackTest, HoldsForLoopbackAddressesOnly) {
  for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(is_loopback(address_of(text))) << text;
  }
  for (const char* text : {"0.0.0.0:1", "126.0.0.1:1", "128.0.0.1:1", "[::]:1", "[::2]:1",
                           "[::ffff:10.0.0.1]:1", "[::127.0.0.1]:1", "localhost:1", "unix:/a"}) {
    EXPECT_FALSE(is_loopback(address_of(text))) << text;
  }
}

TEST(ParseIpTest, ReadsAndWritesIpv6AsTheRfcsHaveIt) {
  const std::vector<std::pair<const char*, const char*>> texts = {
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"ABCD:EF01::", "abcd:ef01::"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"}};
  for (const auto& [text, expected] : texts) {
    const auto ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(to_string(*ip), expected);
    EXPECT_EQ(parse_ip(to_string(*ip)), ip);
  }
}

TEST(ParseIpTest, MapsIpv4) {
  EXPECT_EQ(parse_ip("1.2.3.4"), parse_ip("::ffff:1.2.3.4"));
  EXPECT_EQ(parse_ip("1.2.3.4"), parse_ip("::ffff:102:304"));
  EXPECT_EQ(to_string(*parse_ip("::ffff:1.2.3.4")), "1.2.3.4");
}

TEST(ParseIpTest, RefusesWhatIsNotAnAddress) {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           ":1::",
                           "1:::2",
                           "::1:",
                           "1.2.3.4 ",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "0x1.2.3.4",
                           "1.2.3.256",
                           "1.2.3.04",
                           "::-1",
                           "::1%lo",
                           "1.2.3.4/8"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
}

bool lies_in(const char* network, const char* ip) {
  const auto parsed = parse_network(network);
  EXPECT_TRUE(parsed) << network;
  return parsed && contains(*parsed, *parse_ip(ip));
}

TEST(NetworkTest, HoldsWhatSharesItsPrefix) {
  EXPECT_TRUE(lies_in("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(lies_in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(lies_in("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(lies_in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(lies_in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(lies_in("192.0.2.7/32", "192.0.2.6"));
  EXPECT_TRUE(lies_in("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(lies_in("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(lies_in("::1", "::1"));
}

TEST(NetworkTest, TheFamiliesStayApart) {
  EXPECT_TRUE(lies_in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(lies_in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(lies_in("::/0", "2001:db8::1"));
  EXPECT_FALSE(lies_in("::/0", "203.0.113.9"));
  EXPECT_TRUE(lies_in("10.0.0.0/8", "::ffff:10.1.2.3"));
}

TEST(NetworkTest, RefusesWhatIsNotANetwork) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
                           "10.0.0.0/8/8", "10.0.0.0/8 ", "10/8", "shop/8", "10.0.0.0/+8"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
  EXPECT_EQ(parse_network("10.1.2.3/8").error(),
            "\"10.1.2.3/8\" has bits set beyond its prefix; write \"10.0.0.0/8\" for the whole "
            "network.");
}

}  // namespace
}  // namespace sluice::core
