#include "proxy/listeners.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/address.hpp"

namespace sluice::proxy {
namespace {

ListenOptions listen_options(bool joins) {
  ListenOptions options;
  options.subject = "A listener";
  options.table = "[[listener]]";
  options.file_mode = 0666;
  options.backlog = listen_backlog;
  options.shared_port = true;
  options.joins = joins;
  return options;
}

using core::Address;

bool is_wildcard(const Address& address) {
  return address.host == "0.0.0.0" || address.host == "::";
}

/// Whether one port cannot be bound for both. "::" holds the IPv4 addresses, too.
bool is_overlap(const Address& a, const Address& b) {
  if (a.kind == Address::Kind::unix_path || a.port != b.port || a.port == 0) return false;
  if (a.kind == b.kind) return a.host == b.host || is_wildcard(a) || is_wildcard(b);
  return a.host == "::" || b.host == "::";
}

/// Each worker takes one of the sockets, no matter which. A predecessor with more workers leaves
/// more of them: none may be without somebody who accepts.
void give_to_workers(Fleet& fleet, const Listeners::Listener& listener, bool accepts) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  fleet.on_all([sockets = listener.sockets, name = listener.address, next, accepts,
                workers = fleet.size()](Worker& worker) {
    for (std::size_t index = (*next)++; index < sockets->size(); index += workers) {
      worker.listen((*sockets)[index].release(), name);
    }
    if (accepts) worker.accept_on();
  });
}

using Sockets = std::set<const std::vector<ListeningSocket>*>;

Sockets sockets_of(const std::vector<Listeners::Listener>& listeners) {
  Sockets sockets;
  for (const Listeners::Listener& listener : listeners) sockets.insert(listener.sockets.get());
  return sockets;
}

}  // namespace

Listeners::Wanted Listeners::prepare(const std::vector<ListenerSettings>& settings,
                                     std::vector<Problem>& problems) {
  Wanted wanted;
  // With port 0 several have one name: the first of them comes first.
  std::multimap<std::string_view, const Listener*> known;
  for (const Listener& listener : open_) known.emplace(listener.configured, &listener);
  for (std::size_t index = 0; index < settings.size(); ++index) {
    const auto found = known.lower_bound(settings[index].address);
    if (found != known.end() && found->first == settings[index].address) {
      wanted.push_back(*found->second);
      known.erase(found);
      continue;
    }
    const std::string where = "listener[" + std::to_string(index) + "].address";
    ListenOptions options = listen_options(settings[index].shared);
    options.taken_by = own_obstacle(settings[index].address, settings);
    wanted.push_back(open(settings[index], options, where, problems));
  }
  return wanted;
}

/// Which listener of this process has the port of `address`, and what to do; "" when none has.
std::string Listeners::own_obstacle(const std::string& address,
                                    const std::vector<ListenerSettings>& settings) const {
  const auto wanted = core::parse_address(address);
  if (!wanted) return {};
  for (const Listener& listener : open_) {
    const auto known = core::parse_address(listener.address);
    if (!known || !is_overlap(*wanted, *known)) continue;
    const bool stays = std::any_of(
        settings.begin(), settings.end(),
        [&](const ListenerSettings& one) { return one.address == listener.configured; });
    const std::string taken = "this process listens on " + listener.address + " already, which ";
    if (stays) return taken + "has the same port and stays. Take one of the two out.";
    return taken +
           "has the same port. It takes two reloads: one that takes that listener out, and a next "
           "one that brings this one.";
  }
  return {};
}

Listeners::Listener Listeners::open(const ListenerSettings& settings, const ListenOptions& options,
                                    const std::string& where, std::vector<Problem>& problems) {
  Listener listener{settings.address, {}, std::make_shared<std::vector<ListeningSocket>>()};
  const auto handed = std::find_if(handed_.begin(), handed_.end(), [&](const Handed& one) {
    return one.configured == settings.address && !one.sockets.empty();
  });
  std::size_t shared = 0;
  if (handed != handed_.end()) {
    *listener.sockets = std::move(handed->sockets);
    shared = listener.sockets->size();
    handed_.erase(handed);
  } else if (auto first = ListeningSocket::open(settings.address, options)) {
    listener.sockets->push_back(std::move(*first));
  } else {
    problems.push_back({where, first.error()});
    return listener;
  }
  listener.address = listener.sockets->front().address();
  while (listener.sockets->size() < fleet_.size()) {
    // A socket of its own would get connections at once, and the predecessor serves still.
    const std::size_t count = listener.sockets->size();
    auto another = shared > 0 ? (*listener.sockets)[count % shared].duplicate(options)
                              : listener.sockets->front().another(options);
    if (!another) {
      problems.push_back({where, another.error()});
      break;
    }
    listener.sockets->push_back(std::move(*another));
  }
  return listener;
}

void Listeners::put_in_force(Wanted wanted) {
  const Sockets before = sockets_of(open_);
  const Sockets after = sockets_of(wanted);
  for (const Listener& listener : wanted) {
    if (!before.contains(listener.sockets.get())) give_to_workers(fleet_, listener, accepts_);
  }
  for (const Listener& listener : open_) {
    if (after.contains(listener.sockets.get())) continue;
    // The sockets live on until every worker has stopped: then the file of a unix socket goes.
    fleet_.on_all_then([name = listener.address](Worker& worker) { worker.stop_listening(name); },
                       [sockets = listener.sockets] {});
  }
  const std::lock_guard lock(mutex_);
  open_ = std::move(wanted);
}

void Listeners::accept() {
  accepts_ = true;
  fleet_.on_all([](Worker& worker) { worker.accept_on(); });
}

void Listeners::take_files() {
  for (const Listener& listener : open_) listener.sockets->front().take_file();
}

void Listeners::give_away_files(const std::vector<std::string>& configured) {
  for (const Listener& listener : open_) {
    const bool is_given =
        std::find(configured.begin(), configured.end(), listener.configured) != configured.end();
    if (!is_given) continue;
    for (ListeningSocket& socket : *listener.sockets) socket.give_away_file();
  }
}

void Listeners::close() {
  const std::lock_guard lock(mutex_);
  open_.clear();
}

std::vector<std::string> Listeners::addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> addresses;
  for (const Listener& listener : open_) addresses.push_back(listener.address);
  return addresses;
}

}  // namespace sluice::proxy
