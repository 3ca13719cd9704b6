#include "proxy/proxy_impl.hpp"

namespace sluice {
namespace {

using proxy::Actor;
using proxy::LocalControl;

Actor library_actor(std::string who) {
  return {std::move(who), "library", "library call"};
}

/// Calls `call` with a completion that fulfils the future.
template <class T, class Call>
std::future<Outcome<T>> promised(Call call) {
  auto promise = std::make_shared<std::promise<Outcome<T>>>();
  auto future = promise->get_future();
  call([promise](Outcome<T> outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

}  // namespace

void Proxy::set_split(std::string route, std::vector<ShareSettings> weights, Done<RouteStatus> done,
                      std::string who) {
  impl_->ask<RouteStatus>(std::move(done), [=](LocalControl& control, Done<RouteStatus> answer) {
    control.set_split(route, weights, std::nullopt, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<RouteStatus>> Proxy::set_split(std::string route,
                                                   std::vector<ShareSettings> weights) {
  return promised<RouteStatus>([&](Done<RouteStatus> done) {
    set_split(std::move(route), std::move(weights), std::move(done));
  });
}

void Proxy::drain(std::string pool, std::string backend, std::optional<milliseconds> deadline,
                  Done<DrainStatus> done, std::string who) {
  impl_->ask<DrainStatus>(std::move(done), [=](LocalControl& control, Done<DrainStatus> answer) {
    control.drain({pool, backend, deadline, true}, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<DrainStatus>> Proxy::drain(std::string pool, std::string backend,
                                               std::optional<milliseconds> deadline) {
  return promised<DrainStatus>([&](Done<DrainStatus> done) {
    drain(std::move(pool), std::move(backend), deadline, std::move(done));
  });
}

void Proxy::undrain(std::string pool, std::string backend, Done<PoolStatus> done, std::string who) {
  impl_->ask<PoolStatus>(std::move(done), [=](LocalControl& control, Done<PoolStatus> answer) {
    control.undrain(pool, backend, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<PoolStatus>> Proxy::undrain(std::string pool, std::string backend) {
  return promised<PoolStatus>([&](Done<PoolStatus> done) {
    undrain(std::move(pool), std::move(backend), std::move(done));
  });
}

void Proxy::set_backends(std::string pool, std::vector<BackendSettings> backends,
                         Done<PoolStatus> done, std::string who) {
  impl_->ask<PoolStatus>(std::move(done), [=](LocalControl& control, Done<PoolStatus> answer) {
    control.set_backends(pool, backends, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<PoolStatus>> Proxy::set_backends(std::string pool,
                                                     std::vector<BackendSettings> backends) {
  return promised<PoolStatus>([&](Done<PoolStatus> done) {
    set_backends(std::move(pool), std::move(backends), std::move(done));
  });
}

void Proxy::reload(Settings settings, Done<ReloadStatus> done, std::string who) {
  impl_->ask<ReloadStatus>(std::move(done), [=](LocalControl& control, Done<ReloadStatus> answer) {
    control.reload(settings, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<ReloadStatus>> Proxy::reload(Settings settings) {
  return promised<ReloadStatus>(
      [&](Done<ReloadStatus> done) { reload(std::move(settings), std::move(done)); });
}

void Proxy::reload_source(ReloadOrder order, Done<ReloadStatus> done, std::string who) {
  impl_->ask<ReloadStatus>(std::move(done), [=](LocalControl& control, Done<ReloadStatus> answer) {
    control.reload_source(order, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<ReloadStatus>> Proxy::reload_source(ReloadOrder order) {
  return promised<ReloadStatus>(
      [&](Done<ReloadStatus> done) { reload_source(order, std::move(done)); });
}

void Proxy::confirm_reload(Done<ReloadStatus> done, std::string who,
                           std::optional<std::uint64_t> record) {
  impl_->ask<ReloadStatus>(std::move(done), [=](LocalControl& control, Done<ReloadStatus> answer) {
    control.confirm_reload(record, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<ReloadStatus>> Proxy::confirm_reload(std::optional<std::uint64_t> record) {
  return promised<ReloadStatus>(
      [&](Done<ReloadStatus> done) { confirm_reload(std::move(done), "library", record); });
}

void Proxy::roll_back_settings(std::string record, ReloadOrder order, Done<ReloadStatus> done,
                               std::string who) {
  impl_->ask<ReloadStatus>(std::move(done), [=](LocalControl& control, Done<ReloadStatus> answer) {
    control.roll_back_settings(record, order, library_actor(who), std::move(answer));
  });
}

std::future<Outcome<ReloadStatus>> Proxy::roll_back_settings(std::string record,
                                                             ReloadOrder order) {
  return promised<ReloadStatus>([&](Done<ReloadStatus> done) {
    roll_back_settings(std::move(record), order, std::move(done));
  });
}

void Proxy::reload_history(Done<std::vector<ReloadRecord>> done) {
  using Records = std::vector<ReloadRecord>;
  impl_->ask<Records>(std::move(done), [](LocalControl& control, Done<Records> answer) {
    answer(control.reload_history());
  });
}

std::future<Outcome<std::vector<ReloadRecord>>> Proxy::reload_history() {
  using Records = std::vector<ReloadRecord>;
  return promised<Records>([this](Done<Records> done) { reload_history(std::move(done)); });
}

void Proxy::upgrade(UpgradeOrder order, Done<UpgradeStatus> done, std::string who) {
  impl_->ask<UpgradeStatus>(std::move(done),
                            [=](LocalControl& control, Done<UpgradeStatus> answer) {
                              control.upgrade(order, library_actor(who), std::move(answer));
                            });
}

std::future<Outcome<UpgradeStatus>> Proxy::upgrade(UpgradeOrder order) {
  return promised<UpgradeStatus>(
      [&](Done<UpgradeStatus> done) { upgrade(std::move(order), std::move(done)); });
}

void Proxy::start_rollout(std::string route, RolloutOrder order, Done<RolloutStatus> done,
                          std::string who) {
  impl_->ask<RolloutStatus>(
      std::move(done), [=](LocalControl& control, Done<RolloutStatus> answer) {
        control.start_rollout(route, order, std::nullopt, library_actor(who), std::move(answer));
      });
}

std::future<Outcome<RolloutStatus>> Proxy::start_rollout(std::string route, RolloutOrder order) {
  return promised<RolloutStatus>([&](Done<RolloutStatus> done) {
    start_rollout(std::move(route), std::move(order), std::move(done));
  });
}

void Proxy::steer_rollout(std::string route, RolloutVerb verb, Done<RolloutStatus> done,
                          std::string who) {
  impl_->ask<RolloutStatus>(
      std::move(done), [=](LocalControl& control, Done<RolloutStatus> answer) {
        control.steer_rollout(route, verb, std::nullopt, library_actor(who), std::move(answer));
      });
}

std::future<Outcome<RolloutStatus>> Proxy::steer_rollout(std::string route, RolloutVerb verb) {
  return promised<RolloutStatus>(
      [&](Done<RolloutStatus> done) { steer_rollout(std::move(route), verb, std::move(done)); });
}

void Proxy::rollout(std::string route, Done<RolloutStatus> done) {
  impl_->ask<RolloutStatus>(
      std::move(done),
      [=](LocalControl& control, Done<RolloutStatus> answer) { answer(control.rollout(route)); });
}

std::future<Outcome<RolloutStatus>> Proxy::rollout(std::string route) {
  return promised<RolloutStatus>(
      [&](Done<RolloutStatus> done) { rollout(std::move(route), std::move(done)); });
}

void Proxy::status(Done<Status> done) {
  impl_->ask<Status>(std::move(done), [](LocalControl& control, Done<Status> answer) {
    control.status(std::move(answer));
  });
}

std::future<Outcome<Status>> Proxy::status() {
  return promised<Status>([this](Done<Status> done) { status(std::move(done)); });
}

void Proxy::snapshot(Done<Snapshot> done) {
  impl_->ask<Snapshot>(std::move(done), [](LocalControl& control, Done<Snapshot> answer) {
    control.snapshot(std::move(answer));
  });
}

std::future<Outcome<Snapshot>> Proxy::snapshot() {
  return promised<Snapshot>([this](Done<Snapshot> done) { snapshot(std::move(done)); });
}

}  // namespace sluice
