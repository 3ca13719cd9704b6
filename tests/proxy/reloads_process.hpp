#pragma once

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "proxy/reloads.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/support/deadline.hpp"

/// Reloads over a ground that only remembers.
namespace sluice::proxy::reloading {

using std::chrono::hours;

/// What a text means: one route whose name is the text. "bad" means nothing.
inline Settings settings_of(const std::string& text) {
  Settings settings;
  settings.routes.push_back({.name = text});
  return settings;
}

/// Takes everything over, unless it is told not to.
class Ground : public ReloadGround {
 public:
  explicit Ground(boost::asio::io_context& control) : io(control) {}

  const Settings& configured_settings() const override { return configured; }
  std::uint64_t generation() const override { return plan; }
  const core::Overrides& overrides() const override { return changed; }
  std::string ends_rollout(const Settings&) const override { return rollout; }
  Outcome<std::vector<std::string>> try_settings(const Settings& next) const override {
    if (deny) return *deny;
    return std::vector<std::string>{"would drop the weights of " + next.routes.front().name};
  }
  std::optional<Denial> put_settings(SettingsDraft draft, const Actor& actor,
                                     std::function<void(ReloadStatus)> done) override {
    ++tries;
    if (deny) return deny;
    configured = std::move(draft.settings);
    if (draft.overrides) changed = std::move(*draft.overrides);
    if (std::exchange(drops, false)) changed = {};
    whys.push_back(actor.why);
    ReloadStatus status;
    status.generation = ++plan;
    status.notices = {"dropped"};
    boost::asio::post(io, [done = std::move(done), status] { done(status); });
    return std::nullopt;
  }
  const std::string& state_held_by() const override { return held_by; }

  boost::asio::io_context& io;
  Settings configured;
  std::uint64_t plan = 1;
  std::optional<Denial> deny;
  int tries = 0;
  std::string held_by;
  core::Overrides changed;
  bool drops = false;  ///< what was changed at run time, at the next settings
  std::string rollout;
  std::vector<std::string> whys;
};

/// One process; the file and the folder are those of the test.
struct Process {
  Process(const std::string& file_text, const std::string& state_dir, bool reads = true,
          const std::string& held_by = "")
      : file(file_text),
        ground(io),
        reloads({io, notices, ground, state_dir, reads ? reader() : ReadSettings{},
                 reads ? file_text : ""}) {
    ground.configured = settings_of(file_text);
    ground.held_by = held_by;
    reloads.start();
    io.poll();
  }
  ~Process() { reloads.stop(); }

  ReadSettings reader() {
    return [this](const std::optional<std::string>& text) {
      SettingsSource source;
      source.text = text.value_or(file);
      if (source.text == "throws") throw std::runtime_error("the vault is sealed");
      if (source.text == "strange") throw 7;
      if (source.text == "bad") {
        source.problems = {{"file:1:1", "this is bad"}, {"file:2:1", "and this"}};
      } else {
        source.settings = settings_of(source.text);
      }
      return source;
    };
  }

  using Call = std::function<void(Done<ReloadStatus>)>;
  Outcome<ReloadStatus> answer_to(const Call& call) {
    std::optional<Outcome<ReloadStatus>> got;
    call([&](Outcome<ReloadStatus> outcome) {
      EXPECT_FALSE(got) << "answered twice";
      got = std::move(outcome);
    });
    EXPECT_FALSE(got) << "answered inside of the call";
    EXPECT_TRUE(run_until([&] { return got.has_value(); }));
    return got ? *got : Outcome<ReloadStatus>(Denial{});
  }
  Outcome<ReloadStatus> reload(const std::string& text, ReloadOrder order = {}) {
    file = text;
    return answer_to([&](auto done) { reloads.reload(order, alice, done); });
  }
  Outcome<ReloadStatus> roll_back(const std::string& which, ReloadOrder order = {}) {
    return answer_to([&](auto done) { reloads.roll_back(which, order, alice, done); });
  }
  Outcome<ReloadStatus> confirm(std::optional<std::uint64_t> record = {}) {
    return answer_to([&](auto done) { reloads.confirm(record, alice, done); });
  }
  Outcome<ReloadStatus> take(const std::string& text) {
    return answer_to([&](auto done) { reloads.take(settings_of(text), alice, done); });
  }

  /// Runs the control thread's loop until it holds.
  bool run_until(const std::function<bool()>& holds) {
    const support::Deadline deadline;
    while (!holds() && !deadline.passed()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(10));
    }
    return holds();
  }
  std::string in_force() const { return ground.configured.routes.front().name; }
  /// "3 reload a->b" and the like, newest first: number, why and text.
  std::vector<std::string> history() const {
    std::vector<std::string> lines;
    for (const ReloadRecord& record : reloads.history()) {
      lines.push_back(std::to_string(record.number) + " " + record.why + " " + record.text);
    }
    return lines;
  }

  std::string file;
  const Actor alice{"alice", "127.0.0.1:1", "admin call"};
  boost::asio::io_context io;
  std::shared_ptr<Recorder> log = std::make_shared<Recorder>();
  Notices notices{io, log};
  Ground ground;
  Reloads reloads;
};

using Lines = std::vector<std::string>;

}  // namespace sluice::proxy::reloading
