#include "proxy/admin_access.hpp"

#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminAccess : public AdminDispatch {
 protected:
  unsigned status_with(Fields fields) {
    return ask("GET", "/v1/status", "", std::move(fields)).status;
  }
};

TEST_F(AdminAccess, TokenIsNeededWhenThereIsOne) {
  options.token = "s3cret";
  const AdminReply reply = ask("GET", "/v1/status");
  EXPECT_EQ(reply.status, 401U);
  EXPECT_EQ(field(reply, "WWW-Authenticate"), "Bearer realm=\"sluice\"");
  EXPECT_EQ(status_with({{"Authorization", "Bearer s3cret"}}), 200U);
  EXPECT_EQ(status_with({{"authorization", "bearer  s3cret"}}), 200U);
}

TEST_F(AdminAccess, WrongTokensAreRefused) {
  options.token = "s3cret";
  for (const std::string value : {"Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret1",
                                  "Bearer s3crets3cret", "Basic s3cret", "s3cret", "Bearer S3cret"})
    EXPECT_EQ(status_with({{"Authorization", value}}), 401U) << value;
  const AdminReply reply = ask("GET", "/v1/status", "", {{"Authorization", "Bearer x"}});
  EXPECT_EQ(field(reply, "WWW-Authenticate"), "Bearer realm=\"sluice\", error=\"invalid_token\"");
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminAccess, ProbesNeedNoTokenButMetricsAndUnknownPathsDo) {
  options.token = "s3cret";
  EXPECT_EQ(ask("GET", "/livez").status, 200U);
  EXPECT_EQ(ask("GET", "/readyz").status, 200U);
  EXPECT_EQ(ask("GET", "/metrics").status, 401U);
  EXPECT_EQ(ask("GET", "/nothing").status, 401U);
}

TEST_F(AdminAccess, HostOfAWebPageIsRefusedWithoutToken) {
  for (const std::string host : {"evil.example", "evil.example:9901", "127.0.0.1.evil.example",
                                 "notlocalhost", "1.2.3", "[::1", "[x]:9901"})
    EXPECT_EQ(status_with({{"Host", host}}), 403U) << host;
  for (const std::string host :
       {"127.0.0.1:9901", "10.1.2.3", "[::1]:9901", "localhost:9901", "LOCALHOST", "a.localhost"})
    EXPECT_EQ(status_with({{"Host", host}}), 200U) << host;
}

TEST_F(AdminAccess, HostDoesNotMatterOnAUnixSocketOrForProbesOrWithToken) {
  EXPECT_EQ(ask("GET", "/readyz", "", {{"Host", "proxy.internal"}}).status, 200U);
  peer = "unix";
  EXPECT_EQ(status_with({{"Host", "sluice"}}), 200U);
  peer = "10.0.0.1:5000";
  options.token = "t";
  EXPECT_EQ(status_with({{"Host", "proxy.internal"}, {"Authorization", "Bearer t"}}), 200U);
}

TEST_F(AdminAccess, ForeignOriginIsRefusedWithoutToken) {
  const Fields::value_type host{"Host", "127.0.0.1:9901"};
  EXPECT_EQ(status_with({host, {"Origin", "http://evil.example"}}), 403U);
  EXPECT_EQ(status_with({host, {"Origin", "null"}}), 403U);
  EXPECT_EQ(status_with({host, {"Origin", "http://127.0.0.1:8080"}}), 403U);
  EXPECT_EQ(status_with({host, {"Origin", "http://127.0.0.1:9901"}}), 200U);
}

TEST(AdminToken, ComparisonSeesEveryDifference) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abd", "abc"));
  EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abca", "abc"));
  EXPECT_FALSE(equal_in_constant_time("", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abcabc", "abc"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

}  // namespace
}  // namespace sluice::proxy
