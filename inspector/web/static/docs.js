// The interface's description; requests that are tried out carry this page's token.
const token = document.querySelector('meta[name="csrf"]').content;
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#description",
  deepLinking: false,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRF-Token"] = token;
    return request;
  },
});
