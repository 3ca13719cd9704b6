#include "proxy/owned_descriptor.hpp"

#include <unistd.h>

namespace sluice::proxy {

OwnedDescriptor::~OwnedDescriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace sluice::proxy
