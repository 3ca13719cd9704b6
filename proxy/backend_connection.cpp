#include "proxy/backend_connection.hpp"

#include <algorithm>
#include <utility>

namespace sluice::proxy {

LiveBackend::LiveBackend(std::string of_pool, std::string at_address) {
  pool = std::move(of_pool);
  address = std::move(at_address);
}

LiveBackend::~LiveBackend() = default;

const SocketAddress& LiveBackend::next_address() {
  return addresses[next_address_++ % addresses.size()];
}

std::unique_ptr<BackendConnection> LiveBackend::take_idle(bool looks) {
  while (!idle_.empty()) {
    std::unique_ptr<BackendConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    --idle;
    Stream& stream = connection->stream();
    stream.watch({});
    const bool is_new = connection->pooled_in_ == stream.turns();
    if (stream.may_have_input() || ((looks || is_new) && stream.has_input())) continue;
    connection->link();
    return connection;
  }
  return nullptr;
}

void LiveBackend::give_idle(std::unique_ptr<BackendConnection> connection) {
  Stream& stream = connection->stream();
  const bool may_stay = admits() && !gone && stream.is_open() && stream.in().is_empty() &&
                        !connection->is_cut() && !(stream.may_have_input() && stream.has_input());
  if (!may_stay) return;
  connection->unlink();
  connection->reused_ = true;
  connection->sent_ = false;
  connection->cut_watch_ = {};
  stream.watch({[](void* self) { static_cast<BackendConnection*>(self)->on_idle_news(); },
                connection.get()});
  stream.in().release_if_empty();
  connection->pooled_in_ = stream.turns();
  stream.expire_idle(idle_timeout);
  ++idle;
  idle_.push_back(std::move(connection));
}

void LiveBackend::close_idle() {
  idle = 0;
  const auto closing = std::exchange(idle_, {});
}

void LiveBackend::close_unsent() {
  for (BackendConnection* connection = in_use_; connection != nullptr;
       connection = connection->next_) {
    if (!connection->sent_) connection->stream().close();
  }
}

std::size_t LiveBackend::cut() {
  std::size_t count = 0;
  for (BackendConnection* connection = in_use_; connection != nullptr;
       connection = connection->next_) {
    connection->cut_ = true;
    connection->stream().close();
    if (connection->cut_watch_.notify != nullptr) {
      connection->cut_watch_.notify(connection->cut_watch_.owner);
    }
    ++count;
  }
  return count;
}

void LiveBackend::drop_idle(const BackendConnection& connection) {
  const auto found = std::find_if(idle_.begin(), idle_.end(),
                                  [&](const auto& kept) { return kept.get() == &connection; });
  if (found == idle_.end()) return;
  --idle;
  const std::unique_ptr<BackendConnection> closing = std::move(*found);
  idle_.erase(found);
}

BackendConnection::BackendConnection(LocalPtr<LiveBackend> backend, StreamPtr stream)
    : backend_(std::move(backend)), stream_(std::move(stream)) {
  ++backend_->open;
  link();
}

BackendConnection::~BackendConnection() {
  unlink();
  --backend_->open;
}

void BackendConnection::link() {
  next_ = backend_->in_use_;
  previous_ = nullptr;
  if (next_ != nullptr) next_->previous_ = this;
  backend_->in_use_ = this;
  linked_ = true;
}

void BackendConnection::unlink() {
  if (!linked_) return;
  linked_ = false;
  (previous_ != nullptr ? previous_->next_ : backend_->in_use_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

void BackendConnection::on_idle_news() {
  backend_->drop_idle(*this);
}

}  // namespace sluice::proxy
