#include "proxy/admin_upgrade.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminUpgrade : public AdminDispatch {};

TEST_F(AdminUpgrade, AnswersWhoServesNow) {
  const AdminReply reply = ask("POST", "/v1/upgrade");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"pid":4711,"version":"9.9.10","connections":12})"
                        "\n");
  EXPECT_EQ(control.calls, std::vector<std::string>{"upgrade"});
}

TEST_F(AdminUpgrade, WithoutABodyItIsTheSameProgramAndHalfAMinute) {
  for (const char* body : {"", "{}"}) {
    EXPECT_EQ(ask("POST", "/v1/upgrade", body).status, 200U) << body;
    EXPECT_EQ(control.upgrade_order.binary, "") << body;
    EXPECT_EQ(control.upgrade_order.patience, milliseconds(30'000)) << body;
  }
}

TEST_F(AdminUpgrade, TakesItsWishesAndTheActor) {
  const AdminReply reply =
      ask("POST", "/v1/upgrade", R"({"binary":"/usr/bin/sluice-2","timeout":"1500ms"})",
          {{"Host", "127.0.0.1:9901"}, {"X-Sluice-Actor", "alice"}});
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(control.upgrade_order.binary, "/usr/bin/sluice-2");
  EXPECT_EQ(control.upgrade_order.patience, milliseconds(1500));
  EXPECT_EQ(control.actor.who, "alice");
  EXPECT_EQ(control.actor.from, peer);
}

TEST_F(AdminUpgrade, BadBodiesReachNobodyAndSayWhatIsWrong) {
  EXPECT_EQ(ask("POST", "/v1/upgrade", "{").status, 400U);
  const std::vector<std::pair<const char*, const char*>> bodies{
      {"[]", "The body"},
      {R"({"binary":7})", R"(\"binary\")"},
      {R"({"binary":null})", R"(\"binary\")"},
      {R"({"binary":""})", "it must be the absolute path of a program"},
      {R"({"binary":"sluice"})", R"(\"binary\" is \"sluice\"; it must be the absolute path)"},
      {R"({"binary":"./sluice"})", "it must be the absolute path of a program"},
      {R"({"timeout":30})", R"(\"timeout\")"},
      {R"({"timeout":"30"})", R"(\"timeout\" is \"30\"; it must be a whole number above 0)"},
      {R"({"timeout":"0s"})", "it must be a whole number above 0"},
      {R"({"timeout":"-1s"})", "it must be a whole number above 0"},
      {R"({"timeout":""})", "it must be a whole number above 0"},
      {R"({"time":"30s"})", R"(\"time\")"},
      {R"({"binary":"/bin/true","timeout":"30s","force":true})", R"(\"force\")"},
  };
  for (const auto& [body, words] : bodies) {
    const AdminReply reply = ask("POST", "/v1/upgrade", body);
    EXPECT_EQ(reply.status, 422U) << body;
    EXPECT_EQ(reply.content_type, "application/problem+json") << body;
    EXPECT_TRUE(says(reply, words)) << body << ": " << reply.body;
  }
  EXPECT_EQ(ask("POST", "/v1/upgrade?timeout=30s").status, 422U);
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminUpgrade, DenialsArePassedOn) {
  const std::vector<Denial> denials{
      {409, "An upgrade is under way", "wait for how that ends"},
      {501, "Nothing to upgrade to", "the program has not said how it is started anew"},
      {502, "The successor does not serve", "it ended with exit code 1; this process goes on"}};
  for (const Denial& denial : denials) {
    control.deny = denial;
    const AdminReply reply = ask("POST", "/v1/upgrade");
    EXPECT_EQ(reply.status, denial.status);
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_TRUE(says(reply, "\"title\":\"" + denial.title + "\"")) << reply.body;
    EXPECT_TRUE(says(reply, "\"detail\":\"" + denial.detail + "\"")) << reply.body;
  }
}

TEST_F(AdminUpgrade, NeedsTheTokenLikeEveryChange) {
  options.token = "secret";
  EXPECT_EQ(ask("POST", "/v1/upgrade").status, 401U);
  EXPECT_TRUE(control.calls.empty());
  EXPECT_EQ(ask("POST", "/v1/upgrade", "", {{"Authorization", "Bearer secret"}}).status, 200U);
}

TEST_F(AdminUpgrade, OnlyPosts) {
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    const AdminReply reply = ask(method, "/v1/upgrade");
    EXPECT_EQ(reply.status, 405U) << method;
    EXPECT_EQ(field(reply, "Allow"), "POST") << method;
  }
  EXPECT_TRUE(control.calls.empty());
}

}  // namespace
}  // namespace sluice::proxy
