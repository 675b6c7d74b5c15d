"""Replies of services over HTTPS, held to what they owe: whole, in time, of a bounded size, from the host that was asked."""
