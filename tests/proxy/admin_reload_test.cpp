#include <gtest/gtest.h>

#include "tests/proxy/admin_dispatch.hpp"

namespace sluice::proxy {
namespace {

class AdminReload : public AdminDispatch {
 protected:
  AdminReload() {
    control.reload_result.generation = 5;
    control.reload_result.record = 4;
    control.reload_result.changes = {
        {"route shop", ChangeKind::changed, {"split: v1=100 -> v1=90"}},
        {"pool v2", ChangeKind::added}};
    control.reload_result.notices = {"A drain was dropped."};
    control.history = {
        {4, 1'714'564'800'250, "alice", "unix", "reload", "00ff", {"pool v2 added"}, "[server]\n"},
        {3, 1'714'564'800'000, "sluice", "", "start", "", {}, ""}};
  }
};

TEST_F(AdminReload, AnswersWhatChanged) {
  const AdminReply reply = ask("POST", "/v1/reload");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body,
            R"({"generation":5,"record":4,"dry_run":false,"file_differs":false,"confirm_by":null,)"
            R"("changes":[{"subject":"route shop","kind":"changed",)"
            R"("details":["split: v1=100 -> v1=90"]},)"
            R"({"subject":"pool v2","kind":"added","details":[]}],)"
            R"("notices":["A drain was dropped."]})"
            "\n");
  EXPECT_EQ(control.calls, std::vector<std::string>{"reload_source"});
  EXPECT_FALSE(control.reload_order.dry_run);
  EXPECT_FALSE(control.reload_order.confirm);
}

TEST_F(AdminReload, TakesItsWishesAndTheActor) {
  control.reload_result.confirm_by_ms = 1'714'564'800'250;
  const AdminReply reply = ask("POST", "/v1/reload", R"({"dry_run":true,"confirm":"60s"})",
                               {{"Host", "127.0.0.1:9901"}, {"X-Sluice-Actor", "alice"}});
  EXPECT_TRUE(says(reply, R"("dry_run":true)")) << reply.body;
  EXPECT_TRUE(says(reply, R"("confirm_by":"2024-05-01T12:00:00.250Z")")) << reply.body;
  EXPECT_TRUE(control.reload_order.dry_run);
  EXPECT_EQ(control.reload_order.confirm, milliseconds(60'000));
  EXPECT_EQ(control.actor.who, "alice");
  EXPECT_EQ(control.actor.from, peer);
  EXPECT_EQ(ask("POST", "/v1/reload", "{}").status, 200U);
}

TEST_F(AdminReload, BadBodiesReachNobody) {
  for (const char* target : {"/v1/reload", "/v1/reloads/3/rollback"}) {
    EXPECT_EQ(ask("POST", target, "{").status, 400U);
    for (const char* body :
         {"[]", R"({"dryrun":true})", R"({"dry_run":1})", R"({"confirm":60})",
          R"({"confirm":"60"})", R"({"confirm":"0s"})", R"({"confirm":"-1s"})"}) {
      EXPECT_EQ(ask("POST", target, body).status, 422U) << body;
    }
  }
  EXPECT_EQ(ask("POST", "/v1/reload?dry_run=true").status, 422U);
  for (const char* body : {"[]", R"({"dry_run":true})", R"({"record":"7"})", R"({"record":0})",
                           R"({"record":-1})", R"({"record":1.5})"}) {
    EXPECT_EQ(ask("POST", "/v1/reload/confirm", body).status, 422U) << body;
  }
  EXPECT_TRUE(control.calls.empty());
}

TEST_F(AdminReload, ARefusalListsEveryProblem) {
  control.deny = Denial{422,
                        "Settings not acceptable",
                        "nothing was changed",
                        {{"sluice.toml:3:1", "no such key"}, {"server.workers", "a restart"}}};
  const AdminReply reply = ask("POST", "/v1/reload");
  EXPECT_EQ(reply.status, 422U);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_TRUE(says(reply, R"("problems":[{"where":"sluice.toml:3:1","what":"no such key"},)"
                          R"({"where":"server.workers","what":"a restart"}])"))
      << reply.body;
}

TEST_F(AdminReload, OtherRefusalsHaveNoList) {
  control.deny = Denial{409, "A reload waits for confirmation", "until then"};
  const AdminReply reply = ask("POST", "/v1/reload");
  EXPECT_EQ(reply.status, 409U);
  EXPECT_FALSE(says(reply, "problems")) << reply.body;
}

TEST_F(AdminReload, IsConfirmed) {
  const AdminReply reply = ask("POST", "/v1/reload/confirm");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_TRUE(says(reply, R"("record":4)")) << reply.body;
  EXPECT_EQ(control.calls, std::vector<std::string>{"confirm_reload"});
  EXPECT_FALSE(control.confirmed_record) << "whichever waits";
}

TEST_F(AdminReload, OnlyTheRecordThatIsNamedIsConfirmed) {
  EXPECT_EQ(ask("POST", "/v1/reload/confirm", R"({"record":7})").status, 200U);
  EXPECT_EQ(control.confirmed_record, 7U);
  EXPECT_EQ(ask("POST", "/v1/reload/confirm", "{}").status, 200U);
  EXPECT_FALSE(control.confirmed_record);
}

TEST_F(AdminReload, TheHistoryLeavesTheTextsOut) {
  EXPECT_EQ(ask("GET", "/v1/reloads").body,
            R"({"reloads":[{"number":4,"at":"2024-05-01T12:00:00.250Z","who":"alice",)"
            R"("from":"unix","why":"reload","hash":"00ff","changes":["pool v2 added"]},)"
            R"({"number":3,"at":"2024-05-01T12:00:00.000Z","who":"sluice","from":"",)"
            R"("why":"start","hash":"","changes":[]}]})"
            "\n");
}

TEST_F(AdminReload, ARecordHasItsText) {
  EXPECT_TRUE(says(ask("GET", "/v1/reloads/4"), R"("text":"[server]\n"})"));
  EXPECT_TRUE(says(ask("GET", "/v1/reloads/present"), R"("number":4)"));
  EXPECT_EQ(ask("GET", "/v1/reloads/9").status, 404U);
}

TEST_F(AdminReload, RollsBack) {
  EXPECT_EQ(ask("POST", "/v1/reloads/3/rollback", R"({"confirm":"5m"})").status, 200U);
  EXPECT_EQ(ask("POST", "/v1/reloads/previous/rollback").status, 200U);
  EXPECT_EQ(control.calls,
            (std::vector<std::string>{"roll_back_settings 3", "roll_back_settings previous"}));
}

TEST_F(AdminReload, OnlyTheRightMethods) {
  EXPECT_EQ(ask("GET", "/v1/reload").status, 405U);
  EXPECT_EQ(ask("PUT", "/v1/reloads/3/rollback").status, 405U);
  EXPECT_EQ(ask("DELETE", "/v1/reloads").status, 405U);
}

}  // namespace
}  // namespace sluice::proxy
