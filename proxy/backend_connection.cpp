#include "proxy/backend_connection.hpp"

#include <utility>

#include "proxy/prefetch.hpp"

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
  while (idle_head != nullptr) {
    std::unique_ptr<BackendConnection> connection = leave_idle(looks ? *idle_head : best_idle());
    Stream& stream = connection->stream();
    stream.watch({});
    const bool has_to_look = looks || connection->is_unseen();
    if (stream.may_have_input() || (has_to_look && stream.has_input())) continue;
    connection->link(BackendConnection::Place::in_use);
    return connection;
  }
  return nullptr;
}

/// The most recently used one of which the event loop could have told, for it needs no look.
BackendConnection& LiveBackend::best_idle() const {
  for (BackendConnection* connection = idle_head; connection != nullptr;
       connection = connection->next_) {
    if (!connection->is_unseen()) return *connection;
  }
  return *idle_head;
}

void LiveBackend::prefetch_idle() const {
  if (idle_head != nullptr) prefetch(*idle_head);
}

std::unique_ptr<BackendConnection> LiveBackend::leave_idle(BackendConnection& connection) {
  connection.unlink();
  --idle;
  return std::unique_ptr<BackendConnection>(&connection);
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
  connection->pooled_at_ = stream.looks();
  stream.expire_idle(idle_timeout);
  ++idle;
  connection.release()->link(BackendConnection::Place::idle);
}

void LiveBackend::close_idle() {
  if (idle_head == nullptr) return;
  // The last connection may be the last that refers to this.
  const LocalPtr<LiveBackend> until_the_end(this);
  while (idle_head != nullptr) leave_idle(*idle_head).reset();
}

void LiveBackend::close_unsent() {
  for (BackendConnection* connection = in_use_head; connection != nullptr;
       connection = connection->next_) {
    if (!connection->sent_) connection->stream().close();
  }
}

std::size_t LiveBackend::cut() {
  std::size_t count = 0;
  for (BackendConnection* connection = in_use_head; connection != nullptr;
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

BackendConnection::BackendConnection(LocalPtr<LiveBackend> backend, StreamPtr stream)
    : backend_(std::move(backend)), stream_(std::move(stream)) {
  ++backend_->open;
  link(Place::in_use);
}

BackendConnection::~BackendConnection() {
  unlink();
  --backend_->open;
}

BackendConnection*& BackendConnection::head() {
  return place_ == Place::idle ? backend_->idle_head : backend_->in_use_head;
}

void BackendConnection::link(Place place) {
  place_ = place;
  next_ = head();
  previous_ = nullptr;
  if (next_ != nullptr) next_->previous_ = this;
  head() = this;
}

void BackendConnection::unlink() {
  if (place_ == Place::none) return;
  (previous_ != nullptr ? previous_->next_ : head()) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  place_ = Place::none;
}

void BackendConnection::on_idle_news() {
  backend_->leave_idle(*this).reset();
}

}  // namespace sluice::proxy
