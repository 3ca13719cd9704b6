#include <csignal>
#include <filesystem>

#include "tests/e2e/scene.hpp"
#include "tests/support/has.hpp"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

/// Two versions behind the program; route "all" sends everything to v1.
struct Reloading {
  explicit Reloading(Script script = {}, const std::string& server = "", bool keeps_state = false)
      : one("v1", std::move(script)), server_lines(server), keeps(keeps_state), sluice(config()) {}

  ConfigText config(const std::string& weight_v1 = "100", const std::string& weight_v2 = "0",
                    const std::string& route_lines = "") const {
    ConfigText text = two_pools(one.address(), two.address(), weight_v1, weight_v2, route_lines);
    text.server += server_lines;
    text.keeps_state = keeps;
    return text;
  }
  std::string text_of(ConfigText text) const {
    text.listeners = {sluice.listener()};
    text.admin_address = sluice.admin_address();
    return text.text(sluice.file("state"));
  }
  std::string file() const { return sluice.file("config.toml"); }
  void write(const ConfigText& text) const { write_file(file(), text_of(text)); }
  /// As an editor does it.
  void write_by_rename(const std::string& text) const {
    write_file(sluice.file("config.toml.new"), text);
    fs::rename(sluice.file("config.toml.new"), file());
  }
  void break_file() const {
    write_file(file(), text_of(config("0", "100")) + "\n[surver]\n[limits]\nbody = \"much\"\n");
  }

  AdminAnswer reload(const std::string& body = "{}") const {
    return sluice.admin().post("/v1/reload", body);
  }
  FinishedRun run(std::vector<std::string> words) const {
    words.insert(words.begin(), program_path());
    words.insert(words.end(), {"--admin", sluice.admin_address()});
    return run_to_end(words);
  }
  std::string who() const { return sluice.client().get("/").body; }
  bool becomes(const std::string& name) const {
    return eventually([&] { return who() == name; });
  }
  std::int64_t generation() const { return sluice.admin().get("/v1/status").number("/generation"); }

  TestBackend one;
  TestBackend two{"v2"};
  std::string server_lines;
  bool keeps;
  SluiceProcess sluice;
};

TEST(Reload, TheCallPutsTheFileInForce) {
  const Reloading scene;
  EXPECT_EQ(scene.who(), "v1");
  scene.write(scene.config("0", "100"));
  const AdminAnswer answer = scene.reload();
  ASSERT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.number("/generation"), 2);
  EXPECT_EQ(answer.number("/record"), 2);
  EXPECT_EQ(answer.string("/changes/0/subject"), "route all");
  EXPECT_EQ(answer.string("/changes/0/details/0"), "split: v1=100 v2=0 -> v1=0 v2=100");
  EXPECT_EQ(scene.who(), "v2");
  EXPECT_EQ(scene.sluice.admin().get("/v1/status").number("/settings/record"), 2);
}

TEST(Reload, SighupDoesItToo) {
  Reloading scene;
  scene.write(scene.config("0", "100"));
  scene.sluice.process().signal(SIGHUP);
  EXPECT_TRUE(scene.becomes("v2"));
  EXPECT_TRUE(scene.sluice.logs("reloaded: route all changed: split: v1=100 v2=0 -> v1=0 v2=100"));
  EXPECT_EQ(scene.sluice.admin().get("/v1/reloads").string("/reloads/0/who"), "SIGHUP");
}

TEST(Reload, TheVerbDoesItAndSaysWhenThereIsNothingToDo) {
  const Reloading scene;
  scene.write(scene.config("0", "100"));
  const FinishedRun changed = scene.run({"reload"});
  EXPECT_EQ(changed.exit_code, 0) << changed.err;
  EXPECT_TRUE(has(changed.out, "route all")) << changed.out;
  EXPECT_EQ(scene.who(), "v2");
  const std::int64_t generation = scene.generation();
  const FinishedRun same = scene.run({"reload"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_TRUE(has(same.out, "nothing changed")) << same.out;
  EXPECT_EQ(scene.generation(), generation);
}

TEST(Reload, ABrokenFileChangesNothingAndEveryErrorIsSaid) {
  Reloading scene;
  const double taken = scene.sluice.admin().metric("sluice_config_last_reload_timestamp_seconds");
  EXPECT_GT(taken, 1.7e9);
  scene.break_file();
  const FinishedRun ran = scene.run({"reload"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_TRUE(has(ran.err, "config.toml:")) << ran.err;
  EXPECT_TRUE(has(ran.err, "surver")) << ran.err;
  EXPECT_TRUE(has(ran.err, "limits.body")) << ran.err;
  EXPECT_TRUE(has(ran.err, "2 problems")) << ran.err;
  EXPECT_EQ(scene.reload().at("/problems").as_array().size(), 2u);
  EXPECT_EQ(scene.who(), "v1");
  EXPECT_EQ(scene.generation(), 1);
  EXPECT_EQ(scene.sluice.admin().metric("sluice_config_last_reload_success"), 0);
  EXPECT_EQ(scene.sluice.admin().metric("sluice_config_last_reload_timestamp_seconds"), taken);
  const std::size_t before = scene.sluice.operational_log().size();
  scene.sluice.process().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] {
    return has(scene.sluice.operational_log().substr(before), "limits.body");
  })) << "a signal is answered in the log";
  scene.write(scene.config("0", "100"));
  EXPECT_EQ(scene.reload().status, 200u);
  EXPECT_EQ(scene.sluice.admin().metric("sluice_config_last_reload_success"), 1);
}

TEST(Reload, ADryRunChangesNothing) {
  const Reloading scene;
  scene.write(scene.config("0", "100"));
  const AdminAnswer answer = scene.reload(R"({"dry_run":true})");
  ASSERT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.string("/changes/0/subject"), "route all");
  EXPECT_EQ(scene.who(), "v1");
  EXPECT_EQ(scene.generation(), 1);
  EXPECT_EQ(scene.sluice.admin().get("/v1/reloads").at("/reloads").as_array().size(), 1u);
  const FinishedRun ran = scene.run({"reload", "--dry-run"});
  EXPECT_TRUE(has(ran.out, "dry run")) << ran.out << ran.err;
  EXPECT_EQ(scene.who(), "v1");
}

TEST(Reload, GoesBackByItselfUnlessItIsConfirmed) {
  const Reloading scene;
  scene.write(scene.config("0", "100"));
  const AdminAnswer answer = scene.reload(R"({"confirm":"3s"})");
  ASSERT_EQ(answer.status, 200u) << answer;
  EXPECT_NE(answer.string("/confirm_by"), "");
  EXPECT_EQ(scene.who(), "v2");
  EXPECT_EQ(scene.reload().status, 409u) << "one at a time";
  EXPECT_TRUE(scene.becomes("v1"));
  EXPECT_EQ(scene.sluice.admin().get("/v1/reloads").string("/reloads/0/why"),
            "confirmation did not come");
  EXPECT_TRUE(scene.sluice.logs("were not confirmed"));
  EXPECT_EQ(scene.sluice.admin().get("/v1/status").at("/settings/file_differs"), true);
}

TEST(Reload, AConfirmedReloadStays) {
  const Reloading scene;
  scene.write(scene.config("0", "100"));
  ASSERT_EQ(scene.run({"reload", "--confirm", "1h"}).exit_code, 0);
  EXPECT_NE(scene.sluice.admin().get("/v1/status").string("/settings/confirm_by"), "");
  const FinishedRun ran = scene.run({"reload", "confirm"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(scene.sluice.admin().get("/v1/status").string("/settings/confirm_by"), "");
  EXPECT_EQ(scene.who(), "v2");
  EXPECT_EQ(scene.run({"reload", "confirm"}).exit_code, 1) << "there is nothing left to confirm";
  scene.write(scene.config("100", "0"));
  EXPECT_EQ(scene.reload().status, 200u);
}

TEST(Reload, AWatchedFileIsReadWhenItIsRenamedOver) {
  Reloading scene({}, "watch = true\n");
  scene.write_by_rename(scene.text_of(scene.config("0", "100")));
  EXPECT_TRUE(scene.becomes("v2"));
  const std::size_t before = scene.sluice.operational_log().size();
  scene.break_file();
  EXPECT_TRUE(eventually([&] {
    const std::string log = scene.sluice.operational_log().substr(before);
    return has(log, "surver") && has(log, "limits.body");
  })) << "all that is wrong is in the log";
  EXPECT_EQ(scene.who(), "v2") << "what runs goes on";
  scene.write_by_rename(scene.text_of(scene.config("100", "0")));
  EXPECT_TRUE(scene.becomes("v1"));
}

TEST(Reload, AWatchedFileOfAConfigMapIsReadWhenItsLinkIsSwapped) {
  Reloading scene({}, "watch = true\n");
  const auto publish = [&](const std::string& version, const std::string& text) {
    fs::create_directory(scene.sluice.file(version));
    write_file(scene.sluice.file(version + "/config.toml"), text);
    fs::create_directory_symlink(version, scene.sluice.file("..data_tmp"));
    fs::rename(scene.sluice.file("..data_tmp"), scene.sluice.file("..data"));
  };
  publish("..1", scene.text_of(scene.config()));
  fs::create_symlink("..data/config.toml", scene.sluice.file("link"));
  fs::rename(scene.sluice.file("link"), scene.file());
  publish("..2", scene.text_of(scene.config("0", "100")));
  EXPECT_TRUE(scene.becomes("v2"));
  publish("..3", scene.text_of(scene.config("100", "0")));
  EXPECT_TRUE(scene.becomes("v1"));
}

TEST(Reload, AWatchedFileIsReadOnceNothingStandsAgainstItAndUndoesNoWayBack) {
  Reloading scene({}, "watch = true\n");
  bool is_second = false;
  std::string next;
  std::int64_t record = 0;
  ASSERT_TRUE(eventually([&] {
    is_second = !is_second;
    next = scene.text_of(is_second ? scene.config("0", "100") : scene.config("100", "0"));
    scene.write_by_rename(next);
    const AdminAnswer answer = scene.reload(R"({"confirm":"4s"})");
    record = answer.number("/record");
    return answer.string("/confirm_by") != "";
  })) << "each time the watch was first";
  scene.write_by_rename(next + "\n# another text\n");
  const std::string told = "the file is read when that is over";
  EXPECT_TRUE(scene.sluice.logs(told));
  const auto history = [&] { return scene.sluice.admin().get("/v1/reloads"); };
  EXPECT_TRUE(eventually([&] { return history().string("/reloads/0/who") == "file watch"; }));
  EXPECT_EQ(history().number("/reloads/0/number"), record + 2) << history();
  EXPECT_EQ(history().string("/reloads/1/why"), "confirmation did not come") << history();
  EXPECT_EQ(scene.who(), is_second ? "v2" : "v1");
  const std::string log = scene.sluice.operational_log();
  EXPECT_EQ(log.find(told), log.rfind(told)) << "once, not each second: " << log;

  ASSERT_EQ(scene.run({"config", "rollback", "1"}).exit_code, 0);
  scene.write_by_rename(next + "\n# a third\n");
  EXPECT_TRUE(eventually([&] { return history().string("/reloads/0/who") == "file watch"; }));
  EXPECT_EQ(history().number("/reloads/0/number"), record + 4) << "nothing came between";
}

TEST(Reload, WatchingBeginsAndEndsWithAReload) {
  Reloading scene;
  scene.server_lines = "watch = true\n";
  scene.write(scene.config());
  ASSERT_EQ(scene.reload().status, 200u);
  scene.write_by_rename(scene.text_of(scene.config("0", "100")));
  EXPECT_TRUE(scene.becomes("v2"));
  scene.server_lines = "watch = false\n";
  scene.write_by_rename(scene.text_of(scene.config("0", "100")));
  EXPECT_TRUE(scene.sluice.logs("watch: true -> false"));
  scene.write_by_rename(scene.text_of(scene.config("100", "0")));
  EXPECT_EQ(scene.reload().at("/changes").as_array().size(), 1u) << "nobody else has read it";
}

TEST(Reload, TheHistoryLeadsBack) {
  Reloading scene({}, "", true);
  scene.write(scene.config("0", "100"));
  ASSERT_EQ(scene.reload().status, 200u);
  scene.sluice.restart();
  EXPECT_EQ(scene.who(), "v2");
  const FinishedRun history = scene.run({"config", "history"});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  EXPECT_TRUE(has(history.out, "route all changed")) << history.out;
  EXPECT_TRUE(has(scene.run({"config", "show", "1"}).out, "v1 = 100, v2 = 0"));
  const FinishedRun back = scene.run({"config", "rollback"});
  EXPECT_EQ(back.exit_code, 0) << back.err;
  EXPECT_TRUE(has(back.out, "the file on disk says something else")) << back.out;
  EXPECT_EQ(scene.who(), "v1");
  EXPECT_EQ(scene.sluice.admin().get("/v1/reloads").string("/reloads/0/why"), "rollback to 1");
  ASSERT_EQ(scene.reload().status, 200u);
  EXPECT_EQ(scene.who(), "v2") << "a reload reads the file";
}

TEST(Reload, ATornHistoryIsToldAndBeginsAnew) {
  Reloading scene({}, "", true);
  const std::string file = scene.sluice.file("state/settings/history.json");
  ASSERT_TRUE(eventually([&] { return fs::exists(file); }));
  scene.sluice.process().kill();
  fs::resize_file(file, fs::file_size(file) / 2);
  scene.sluice.restart();
  EXPECT_TRUE(scene.sluice.logs("history.json"));
  EXPECT_TRUE(fs::exists(file + ".unusable"));
  scene.write(scene.config("0", "100"));
  EXPECT_EQ(scene.reload().number("/record"), 2);
  EXPECT_EQ(scene.who(), "v2");
}

TEST(Reload, AHistoryThatCannotBeWrittenStopsNothing) {
  Reloading scene({}, "", true);
  const std::string folder = scene.sluice.file("state/settings");
  ASSERT_TRUE(eventually([&] { return fs::exists(folder + "/history.json"); }));
  fs::remove_all(folder);
  write_file(folder, "no folder");
  scene.write(scene.config("0", "100"));
  const FinishedRun ran = scene.run({"reload"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "note: The history of settings is not on disk")) << ran.out;
  EXPECT_EQ(scene.who(), "v2");
  EXPECT_TRUE(scene.sluice.logs("the history of settings is not kept"));
  fs::remove(folder);
  scene.write(scene.config("100", "0"));
  ASSERT_EQ(scene.reload().status, 200u);
  EXPECT_TRUE(has(read_file(folder + "/history.json"), "\"number\":3"));
}

TEST(Reload, ConnectionsTunnelsAndCountsOfOthersStay) {
  Reloading scene(upgrades_and_echoes());
  RawClient tunnel = scene.sluice.client();
  ASSERT_EQ(tunnel.get("/chat", asks_websocket).status, 101u);
  scene.one.set_script({});
  RawClient keeps = scene.sluice.client();
  ASSERT_EQ(keeps.get("/").body, "v1");
  const auto counted = [&] {
    return scene.sluice.admin().metric("sluice_requests_total", {"pool=\"v1\""});
  };
  ASSERT_TRUE(eventually([&] { return counted() >= 1; }));
  const double before = counted();
  const std::int64_t connections = backend_number(scene.sluice, "open");
  TestBackend three("v3");
  ConfigText next = scene.config();
  next.pool("v3", {three.address()}).route("new", "v3 = 100", "path = \"/new\"\n");
  scene.write(next);
  ASSERT_EQ(scene.reload().at("/changes").as_array().size(), 2u);
  EXPECT_EQ(scene.sluice.client().get("/new").body, "v3");
  EXPECT_EQ(keeps.get("/").body, "v1") << "on the same connection";
  EXPECT_EQ(keeps.get("/new").body, "v3") << "by the new plan";
  tunnel.send("still here");
  ASSERT_TRUE(tunnel.stream.fill_to(10));
  EXPECT_EQ(tunnel.stream.take(10), "still here");
  EXPECT_EQ(backend_number(scene.sluice, "upgraded"), 1);
  EXPECT_GE(backend_number(scene.sluice, "open"), connections);
  EXPECT_TRUE(eventually([&] { return counted() == before + 1; })) << before << " " << counted();
}

TEST(Reload, AnAddedBackendIsCheckedAtOnce) {
  Reloading scene;
  TestBackend three("v3");
  ConfigText next = scene.config();
  next.pool("v3", {three.address()}, "health = { path = \"/healthz\", interval = \"10m\" }\n");
  next.route("new", "v3 = 100", "path = \"/new\"\n");
  scene.write(next);
  ASSERT_EQ(scene.reload().status, 200u);
  EXPECT_TRUE(eventually([&] { return backend_word(scene.sluice, "health", "v3") == "up"; }));
  EXPECT_GE(three.health_checks(), 1u);
  EXPECT_EQ(scene.sluice.client().get("/new").body, "v3");
}

TEST(Reload, ARolloutUnderWayIsNotTouched) {
  Reloading scene({}, "", true);
  const AdminAnswer started =
      scene.sluice.admin().post("/v1/routes/all/rollout", R"({"to":"v2","id":"release"})");
  ASSERT_EQ(started.status / 100, 2u) << started;
  const auto rollout = [&] { return scene.sluice.admin().get("/v1/routes/all/rollout"); };
  ASSERT_TRUE(eventually([&] { return rollout().number("/weights/v2") > 0; })) << rollout();
  const AdminAnswer before = rollout();
  ConfigText next = scene.config();
  TestBackend three("v3");
  next.pool("v3", {three.address()}).route("new", "v3 = 100", "path = \"/new\"\n");
  scene.write(next);
  const AdminAnswer reloaded = scene.reload();
  ASSERT_EQ(reloaded.status, 200u) << reloaded;
  EXPECT_TRUE(reloaded.at("/notices").as_array().empty()) << reloaded;
  const AdminAnswer after = rollout();
  EXPECT_EQ(after.string("/id"), "release");
  EXPECT_EQ(after.string("/started/at"), before.string("/started/at"));
  EXPECT_GE(after.number("/weights/v2"), before.number("/weights/v2"));
  EXPECT_NE(after.string("/state"), "rolling_back") << after;
  EXPECT_NE(after.string("/state"), "rolled_back") << after;
}

}  // namespace
}  // namespace sluice::e2e
